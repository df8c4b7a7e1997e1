using System.Buffers.Binary;
using System.IO.Compression;
using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>Unsigned bytes of some shape, as an IDX file holds them.</summary>
/// <param name="Shape">Extents, the slowest first.</param>
/// <param name="Data">As many bytes as the product of the extents.</param>
public sealed record IdxArray(int[] Shape, byte[] Data);

/// <summary>
/// Reads the IDX format of MNIST and its successors: a mark of 0, 0, the type (8: unsigned byte) and the number of dimensions, an extent of 32
/// bits, high byte first, for each, then the data. The file may be compressed by gzip, whatever it is called.
/// </summary>
public static class IdxFile
{
    private const int MostDimensions = 4;

    // What deflate can make of a byte at most; a header that promises more lies.
    private const long MostExpansion = 1032;
    private const int FirstPiece = 1 << 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static IdxArray Read(string path)
    {
        BadFile.ThrowIfMissing(path);
        using FileStream file = File.OpenRead(path);
        return Parse(file, Path.GetFileName(path));
    }

    /// <summary>Reads a stream that can seek; messages call it <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes break the format.</exception>
    public static IdxArray Parse(Stream stream, string name = "memory")
    {
        ArgumentNullException.ThrowIfNull(stream);
        long length = stream.Length;
        Span<byte> mark = stackalloc byte[2];
        int got = stream.ReadAtLeast(mark, 2, throwOnEndOfStream: false);
        stream.Position = 0;
        if (got < 2 || mark is not [0x1F, 0x8B])
        {
            return Parse(stream, length, name);
        }

        try
        {
            using var unpacked = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
            return Parse(unpacked, length > long.MaxValue / MostExpansion ? long.MaxValue : length * MostExpansion, name);
        }
        catch (InvalidDataException error) when (!error.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw BadFile.At(name, 0, "damaged gzip data", "a whole gzip file", "download the file again", error);
        }
    }

    private static IdxArray Parse(Stream stream, long most, string name)
    {
        Span<byte> head = stackalloc byte[4 + (4 * MostDimensions)];
        int got = stream.ReadAtLeast(head[..4], 4, throwOnEndOfStream: false);
        if (got < 4 || head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] is < 1 or > MostDimensions)
        {
            throw BadFile.At(name, 0, got < 4 ? $"{got} bytes" : $"bytes {Convert.ToHexString(head[..4])}",
                $"the mark of an IDX file of unsigned bytes, 000008 and 1 to {MostDimensions} dimensions", "check that this is an IDX file");
        }

        int dimensions = head[3], start = 4 + (4 * dimensions);
        if (stream.ReadAtLeast(head[4..start], 4 * dimensions, throwOnEndOfStream: false) < 4 * dimensions)
        {
            throw BadFile.At(name, 4, "an end within the extents", $"{dimensions} extents of 4 bytes", "download the file again");
        }

        var shape = new int[dimensions];
        long count = 1;
        for (int i = 0; i < dimensions; i++)
        {
            uint extent = BinaryPrimitives.ReadUInt32BigEndian(head[(4 + (4 * i))..]);
            shape[i] = extent <= int.MaxValue && (count = Math.Min(count * extent, long.MaxValue >> 32)) <= Math.Min(most, Array.MaxLength)
                ? (int)extent
                : throw BadFile.At(name, 4 + (4 * i), $"an extent of {extent}", "no more values than the file has room for", "download the file again");
        }

        return new IdxArray(shape, Values(stream, (int)count, name, start));
    }

    /// <summary>Exactly <paramref name="count"/> bytes and then the end; memory grows with what has come, not with what was promised.</summary>
    private static byte[] Values(Stream stream, int count, string name, int start)
    {
        byte[] data = new byte[Math.Min(count, FirstPiece)];
        for (int there = 0; ;)
        {
            there += stream.ReadAtLeast(data.AsSpan(there), data.Length - there, throwOnEndOfStream: false);
            if (there < data.Length)
            {
                throw BadFile.At(name, start + there, $"the end after {there} values", $"{count} values, as the extents say", "download the file again");
            }

            if (there == count)
            {
                break;
            }

            Array.Resize(ref data, (int)Math.Min(count, 2L * data.Length));
        }

        return stream.ReadByte() < 0 ? data : throw BadFile.At(name, start + (long)count, "more bytes", $"the end after {count} values, as the extents say", "download the file again");
    }
}
