using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>The bytes of a pickle: numbers and texts, each checked against what is left, and an account of the memory they may take.</summary>
internal sealed class PickleInput(ReadOnlyMemory<byte> bytes, string file, long origin)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private int at;
    private int opcodeAt;

    // A few bytes can ask for a large object again and again; honest data stay far below 64 bytes for each of theirs.
    private long budget = (32L << 20) + (64L * bytes.Length);

    public int Length => bytes.Length;

    public int Remaining => bytes.Length - at;

    public string File => file;

    public long Offset => origin + opcodeAt;

    public byte Opcode()
    {
        opcodeAt = at;
        return Byte();
    }

    public byte Byte() => Take(1)[0];

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public double Float64() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>An integer of <paramref name="count"/> bytes, two's complement.</summary>
    public long Integer(uint count)
    {
        if (count > 8)
        {
            throw Bad($"an integer of {count} bytes", "integers of 64 bits");
        }

        long value = 0;
        ReadOnlySpan<byte> span = Take(count);
        for (int i = 0; i < span.Length; i++)
        {
            value |= (long)span[i] << (8 * i);
        }

        int unused = 64 - (8 * span.Length);
        return count == 0 ? 0 : value << unused >> unused;
    }

    public ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)Remaining)
        {
            throw Bad($"an item of {count} bytes", $"the {Remaining} bytes that are left");
        }

        at += (int)count;
        return bytes.Span.Slice(at - (int)count, (int)count);
    }

    public byte[] Bytes(ulong count)
    {
        ReadOnlySpan<byte> span = Take(count);
        Charge(span.Length + 32);
        return span.ToArray();
    }

    public string Latin1(ulong count)
    {
        ReadOnlySpan<byte> span = Take(count);
        Charge((2L * span.Length) + 32);
        return Encoding.Latin1.GetString(span);
    }

    public string Utf8(ulong count)
    {
        ReadOnlySpan<byte> span = Take(count);
        Charge((2L * span.Length) + 32);
        try
        {
            return StrictUtf8.GetString(span);
        }
        catch (DecoderFallbackException error)
        {
            throw BadFile.At(file, Offset, "text that is not UTF-8", "UTF-8", "pickle the data again", error);
        }
    }

    /// <summary>The text up to the next line feed, as protocol 0 and names of globals come.</summary>
    public string Line()
    {
        int length = bytes.Span[at..].IndexOf((byte)'\n');
        if (length < 0)
        {
            throw Bad("a line without an end", "a line feed after it");
        }

        string line = Latin1((ulong)length);
        at++;
        return line;
    }

    public long DecimalLong(string digits) =>
        long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Bad($"the integer {BadFile.Quote(digits)}", "decimal integers of 64 bits");

    public double DecimalDouble(string digits) => digits switch
    {
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        "nan" => double.NaN,
        _ => double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw Bad($"the float {BadFile.Quote(digits)}", "decimal floats"),
    };

    /// <summary>Takes <paramref name="size"/> bytes of memory off the account.</summary>
    public void Charge(long size)
    {
        budget -= size;
        if (budget < 0)
        {
            throw Bad($"objects that take more than {(32L << 20) + (64L * bytes.Length)} bytes of memory", "32 MiB and 64 bytes for each byte of the pickle", "check where the file comes from");
        }
    }

    public InvalidDataException Bad(string found, string allowed, string remedy = "download or write the file again") =>
        BadFile.At(file, Offset, found, allowed, remedy);
}
