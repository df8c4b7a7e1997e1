using System.IO.Compression;
using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>PNG files of a zip archive, kept in memory as they are and decoded when they are read. Nothing is written anywhere.</summary>
internal sealed class ZipImages : EncodedImages
{
    private const int MostEntries = 1_000_000, MostBytesEach = 1 << 22;
    private const long MostBytes = 1L << 30;

    private readonly byte[][] _files;

    private ZipImages(byte[][] files, string[] names, int[] labels, int channels)
        : base(names, labels, channels) => _files = files;

    /// <summary>Reads the entries whose name ends in .png.</summary>
    /// <param name="archive">A stream that can seek.</param>
    /// <param name="name">For messages.</param>
    /// <param name="channels">3, or 1 for gray.</param>
    /// <param name="classOf">The class of an entry by its path; null for one that does not belong to the data set.</param>
    /// <param name="classNames">The classes, ascending.</param>
    public static ZipImages Read(Stream archive, string name, int channels, Func<string, string?> classOf, out string[] classNames)
    {
        try
        {
            using var zip = new ZipArchive(archive, ZipArchiveMode.Read);
            if (zip.Entries.Count > MostEntries)
            {
                throw BadFile.At(name, 0, $"{zip.Entries.Count} entries", $"at most {MostEntries}", "download the file again");
            }

            (ZipArchiveEntry Entry, string Class)[] chosen =
            [
                .. zip.Entries.Where(entry => entry.FullName.EndsWith(".png", StringComparison.OrdinalIgnoreCase)).OrderBy(entry => entry.FullName, StringComparer.Ordinal)
                    .Select(entry => (entry, classOf(entry.FullName)!)).Where(one => one.Item2 is not null),
            ];
            if (chosen.Length == 0)
            {
                throw BadFile.At(name, 0, "no image that belongs to the data set", "the archive as it was published", "download the file again");
            }

            classNames = [.. chosen.Select(one => one.Class).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
            var number = classNames.Select((text, k) => (text, k)).ToDictionary(pair => pair.text, pair => pair.k, StringComparer.Ordinal);
            var files = new byte[chosen.Length][];
            long all = 0;
            for (int i = 0; i < files.Length; i++)
            {
                files[i] = Bytes(chosen[i].Entry, name);
                all += files[i].Length;
                if (all > MostBytes)
                {
                    throw BadFile.At(name, 0, $"more than {MostBytes} bytes in {i + 1} images", "the archive as it was published", "download the file again");
                }
            }

            return new ZipImages(files, [.. chosen.Select(one => one.Entry.FullName)], [.. chosen.Select(one => number[one.Class])], channels);
        }
        catch (InvalidDataException error) when (!error.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw BadFile.At(name, 0, "a damaged zip archive", "a whole one", "download the file again", error);
        }
    }

    /// <inheritdoc/>
    protected override byte[] File(int index) => _files[index];

    private static byte[] Bytes(ZipArchiveEntry entry, string name)
    {
        if (entry.Length > MostBytesEach)
        {
            throw BadFile.At(name, 0, $"{BadFile.Quote(entry.FullName)} of {entry.Length} bytes", $"images of at most {MostBytesEach}", "download the file again");
        }

        // The length is what the archive says of itself: one more byte is asked for than it promises.
        byte[] bytes = new byte[entry.Length + 1];
        using Stream stream = entry.Open();
        int got = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return got == entry.Length ? bytes[..got] : throw BadFile.At(name, 0, $"{BadFile.Quote(entry.FullName)} with another length than {entry.Length}", "a whole archive", "download the file again");
    }
}
