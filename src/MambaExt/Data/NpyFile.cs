using System.Buffers.Binary;
using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>Reads and writes NumPy <c>.npy</c> files, versions 1 to 3. Objects go through <see cref="PickleReader"/>, which runs nothing.</summary>
public static class NpyFile
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format or holds what is not allowed.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static NpyArray Read(string path) => Parse(DataFile.ReadAllBytes(path), Path.GetFileName(path));

    /// <summary>Reads a file that is in memory; numbers stay windows of <paramref name="bytes"/> where they lie in the right order.</summary>
    /// <exception cref="InvalidDataException">The bytes break the format or hold what is not allowed.</exception>
    public static NpyArray Parse(ReadOnlyMemory<byte> bytes, string name = "memory")
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < 10 || !span.StartsWith(Magic) || span[6] is < 1 or > 3)
        {
            throw BadFile.At(name, 0, span.Length < 10 ? $"{span.Length} bytes" : $"bytes {Convert.ToHexString(span[..8])}", "the mark of a .npy file, version 1 to 3 (934E554D505901)", "check that this is a .npy file");
        }

        int start = span[6] == 1 ? 10 : 12;
        long length = span[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(span[8..])
            : span.Length >= 12 ? BinaryPrimitives.ReadUInt32LittleEndian(span[8..]) : long.MaxValue;
        if (length > Math.Min(span.Length - start, NpyHeader.MostBytes))
        {
            throw BadFile.At(name, 8, $"a header length of {length}", $"at most {Math.Min(Math.Max(span.Length - start, 0), NpyHeader.MostBytes)} here", "download or write the file again");
        }

        NpyHeader header = NpyHeader.Parse((span[6] == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(span.Slice(start, (int)length)), name, start);
        start += (int)length;
        return header.Dtype.Type == NpyType.Object
            ? ReadObjects(bytes[start..], header.Shape, name, start)
            : NpyLayout.Fill(new NpyArray(), header.Dtype, header.Shape, header.FortranOrder, bytes[start..], name, start);
    }

    /// <summary>Writes numbers or bools, row-major, in version 1.</summary>
    public static void Write(string path, NpyArray array)
    {
        ThrowIfNotWritable(array);
        PartialFile.Write(path, stream => Write(stream, array));
    }

    internal static void ThrowIfNotWritable(NpyArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        if (array.Type is NpyType.Text or NpyType.Bytes or NpyType.Object)
        {
            throw new ArgumentException($"The array holds {array.Type}; only numbers and bools are written; store texts in a JSON file beside it.", nameof(array));
        }
    }

    internal static void Write(Stream stream, NpyArray array)
    {
        // One dimension keeps its comma: that is how Python tells a tuple from a number in brackets.
        string shape = array.Shape.Length == 1 ? $"({array.Shape[0]},)" : NpyLayout.Text(array.Shape);
        string text = $"{{'descr': '{array.Dtype.Descr()}', 'fortran_order': False, 'shape': {shape}, }}";
        int total = (10 + text.Length + 1 + 63) / 64 * 64; // the data start at a multiple of 64, as the format asks
        byte[] head = new byte[total];
        Magic.CopyTo(head);
        head[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), (ushort)(total - 10));
        head.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text, head.AsSpan(10));
        head[^1] = (byte)'\n';
        stream.Write(head);
        stream.Write(array.Data.Span);
    }

    private static NpyArray ReadObjects(ReadOnlyMemory<byte> pickle, long[] shape, string name, long offset)
    {
        object? value = PickleReader.Read(pickle, name, offset);
        return value is NpyArray { Type: NpyType.Object } array && array.Shape.SequenceEqual(shape)
            ? array
            : throw BadFile.At(name, offset, $"a pickle of {value?.GetType().Name ?? "null"}", $"an object array of shape {NpyLayout.Text(shape)}", "write the file again");
    }
}
