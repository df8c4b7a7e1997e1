using System.Buffers.Binary;
using CsCheck;

namespace MambaExt.Tests.Shared;

/// <summary>Damaged copies of a real file, and the promise that a reader refuses them cheaply and in one way.</summary>
internal static class HostileBytes
{
    private const long MostAllocated = 64L << 20;
    private static readonly ulong[] Lengths = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, ulong.MaxValue, 100_000_000];

    /// <summary>One to four changes to <paramref name="sample"/>: bits flipped, bytes put in, taken out, cut off, copied over, lengths made huge.</summary>
    /// <param name="sample">A valid file.</param>
    /// <param name="head">Half of the changes fall into this many first bytes, where formats keep their headers.</param>
    public static Gen<byte[]> Of(byte[] sample, int head = 400) =>
        Gen.Select(Gen.Int[0, 6], Gen.Bool, Gen.Int[0, int.MaxValue], Gen.Int[1, 24], Gen.ULong)
            .Array[1, 4]
            .Select(changes => changes.Aggregate((byte[])sample.Clone(), (bytes, change) =>
            {
                (int kind, bool early, int place, int count, ulong value) = change;
                return bytes.Length == 0 ? bytes : Change(bytes, kind, place % Math.Min(early ? head : int.MaxValue, bytes.Length), count, value);
            }));

    /// <summary>Runs <paramref name="read"/>, which may succeed or throw <see cref="InvalidDataException"/>, nothing else, and take little memory.</summary>
    public static void ReadsOrRefuses(byte[] bytes, Action<byte[]> read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read(bytes);
        }
        catch (InvalidDataException error)
        {
            Xunit.Assert.Contains("allowed is", error.Message, StringComparison.Ordinal);
            Xunit.Assert.DoesNotContain('\n', error.Message);
        }

        Xunit.Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
    }

    private static byte[] Change(byte[] bytes, int kind, int at, int count, ulong value)
    {
        int room = Math.Min(count, bytes.Length - at);
        switch (kind)
        {
            case 0:
                bytes[at] ^= (byte)(1 << (int)(value % 8));
                return bytes;
            case 1:
                bytes[at] = (byte)value;
                return bytes;
            case 2:
                return [.. bytes[..at], .. Enumerable.Range(0, count).Select(i => (byte)(value >> (8 * (i % 8)))), .. bytes[at..]];
            case 3:
                return [.. bytes[..at], .. bytes[(at + room)..]];
            case 4:
                return bytes[..at];
            case 5:
                bytes.AsSpan((int)(value % (ulong)bytes.Length)).Slice(0, Math.Min(room, bytes.Length - (int)(value % (ulong)bytes.Length))).CopyTo(bytes.AsSpan(at));
                return bytes;
            default:
                Span<byte> word = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(word, Lengths[value % (ulong)Lengths.Length]);
                word[..Math.Min(1 << (count % 4), bytes.Length - at)].CopyTo(bytes.AsSpan(at));
                return bytes;
        }
    }
}
