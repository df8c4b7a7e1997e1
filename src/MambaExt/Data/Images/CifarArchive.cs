using System.Formats.Tar;
using System.IO.Compression;
using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>The binary files inside the archive that CIFAR is published as; nothing is written anywhere.</summary>
internal static class CifarArchive
{
    private const int MostFiles = 100;
    private const long MostBytes = 1L << 29;

    /// <summary>The files whose name ends in .bin, by name without folders, ascending.</summary>
    /// <exception cref="InvalidDataException">The archive is damaged or holds too much.</exception>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Read(Stream stream, string name)
    {
        var files = new List<(string Name, byte[] Bytes)>();
        long all = 0;
        try
        {
            using var unpacked = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
            using var tar = new TarReader(unpacked, leaveOpen: true);
            while (tar.GetNextEntry() is { } entry)
            {
                if (!entry.Name.EndsWith(".bin", StringComparison.Ordinal) || entry.DataStream is not { } data)
                {
                    continue;
                }

                all += entry.Length;
                if (files.Count == MostFiles || all > MostBytes)
                {
                    throw BadFile.At(name, 0, $"{files.Count + 1} files of {all} bytes", $"at most {MostFiles} of {MostBytes}", "download the file again");
                }

                files.Add((entry.Name[(entry.Name.LastIndexOf('/') + 1)..], Bytes(data, entry.Length, name)));
            }
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException or ArgumentException or NotSupportedException or OverflowException
            && !error.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw BadFile.At(name, 0, "a damaged archive", "a whole .tar.gz file", "download the file again", error);
        }

        return [.. files.OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    /// <summary>Memory grows with what comes: an archive may promise more than it holds.</summary>
    private static byte[] Bytes(Stream data, long length, string name)
    {
        var bytes = new MemoryStream();
        byte[] piece = new byte[1 << 16];
        for (int got; (got = data.Read(piece)) > 0;)
        {
            bytes.Write(piece, 0, got);
        }

        return bytes.Length == length ? bytes.ToArray() : throw BadFile.At(name, 0, $"a file of {bytes.Length} bytes that should have {length}", "a whole .tar.gz file", "download the file again");
    }
}
