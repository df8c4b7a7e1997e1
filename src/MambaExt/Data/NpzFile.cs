using System.IO.Compression;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>A NumPy <c>.npz</c> file: arrays by name, each read when it is asked for. Nothing is ever unpacked to disk.</summary>
public sealed class NpzFile : IDisposable
{
    /// <summary>The most bytes all arrays of a file may unpack to, unless told otherwise: 4 GiB.</summary>
    public const long DefaultLimit = 4L << 30;

    private readonly Stream stream;
    private readonly ZipArchive archive;
    private readonly string file;
    private readonly Dictionary<string, ZipArchiveEntry> entries = [];

    private NpzFile(Stream stream, string file, long limit)
    {
        this.stream = stream;
        this.file = file;
        archive = Guarded("zip directory", () =>
        {
            ZipArchive opened = new(stream, ZipArchiveMode.Read, leaveOpen: true);
            _ = opened.Entries.Count; // reads the whole directory
            return opened;
        });
        long total = 0;
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            (long size, long packed) = Guarded("directory entry", () => (entry.Length, entry.CompressedLength));
            string key = entry.FullName.EndsWith(".npy", StringComparison.Ordinal) ? entry.FullName[..^4] : entry.FullName;
            if (entry.IsEncrypted || size < 0 || packed < 0 || packed > stream.Length || size > limit - total)
            {
                throw Bad($"{BadFile.Quote(key)} of {size} bytes, packed into {packed}{(entry.IsEncrypted ? ", encrypted" : "")}",
                    $"open entries of {limit} bytes together, packed into at most the file's {stream.Length}", "raise the limit if you trust the file");
            }

            total += size;
            if (!entries.TryAdd(key, entry))
            {
                throw Bad($"the name {BadFile.Quote(key)} twice", "each name once", "write the file again");
            }
        }
    }

    /// <summary>The names of the arrays, in the order of the file.</summary>
    public IReadOnlyCollection<string> Keys => entries.Keys;

    /// <summary>Reads the array called <paramref name="key"/>; every call reads it anew.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    /// <exception cref="InvalidDataException">The array breaks the format.</exception>
    public NpyArray this[string key] => entries.TryGetValue(key, out ZipArchiveEntry? entry)
        ? NpyFile.Parse(Unpack(key, entry), $"{file}:{key}")
        : throw new KeyNotFoundException($"{file} has no array '{key}'; it has {string.Join(", ", entries.Keys.Take(40))}; ask for one of these.");

    /// <summary>Opens a file whose arrays unpack to at most <paramref name="limit"/> bytes together.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format or the limit.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static NpzFile Open(string path, long limit = DefaultLimit)
    {
        BadFile.ThrowIfMissing(path);
        return Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read), Path.GetFileName(path), limit);
    }

    /// <summary>Opens a stream that can seek, and owns it from then on; messages call it <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">The stream breaks the format or the limit.</exception>
    public static NpzFile Open(Stream stream, string name, long limit = DefaultLimit)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            return new NpzFile(stream, name, limit);
        }
        catch
        {
            stream.Dispose(); // nobody else holds it; the error goes on
            throw;
        }
    }

    /// <summary>Writes arrays of numbers and bools by name, deflated or stored; equal content gives equal bytes.</summary>
    public static void Write(string path, IEnumerable<(string Key, NpyArray Array)> arrays, bool deflate = true)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        (string Key, NpyArray Array)[] all = [.. arrays];
        foreach ((string key, NpyArray array) in all)
        {
            ArgumentException.ThrowIfNullOrEmpty(key);
            NpyFile.ThrowIfNotWritable(array);
        }

        if (all.GroupBy(pair => pair.Key).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Two arrays are called '{twice.Key}'; give each its own name.", nameof(arrays));
        }

        PartialFile.Write(path, stream =>
        {
            using ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach ((string key, NpyArray array) in all)
            {
                ZipArchiveEntry entry = zip.CreateEntry(key + ".npy", deflate ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the first day a zip knows
                using Stream content = entry.Open();
                NpyFile.Write(content, array);
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        archive.Dispose();
        stream.Dispose();
    }

    private ReadOnlyMemory<byte> Unpack(string key, ZipArchiveEntry entry)
    {
        if (entry.Length > Array.MaxLength)
        {
            throw Bad($"{BadFile.Quote(key)} of {entry.Length} bytes", $"at most {Array.MaxLength} bytes an array", "split the array");
        }

        return Guarded($"entry {BadFile.Quote(key)}", () =>
        {
            // The declared size is a claim: memory grows with the bytes that really come, beyond 16 times the packed ones.
            int declared = (int)entry.Length;
            byte[] bytes = new byte[Math.Min(declared, Math.Max(1 << 16, entry.CompressedLength * 16))];
            int have = 0;
            using Stream content = entry.Open();
            while (true)
            {
                int got = content.Read(bytes.AsSpan(have));
                have += got;
                if (got == 0 && have < bytes.Length)
                {
                    throw new InvalidDataException($"it ends after {have} of {declared} bytes");
                }

                if (have == bytes.Length)
                {
                    if (have == declared)
                    {
                        break;
                    }

                    Array.Resize(ref bytes, (int)Math.Min(declared, have * 4L));
                }
            }

            if (content.ReadByte() >= 0)
            {
                throw new InvalidDataException($"it goes on after its {declared} bytes");
            }

            return Crc32.Of(bytes) == entry.Crc32 ? bytes : throw new InvalidDataException("its checksum is another");
        });
    }

    private T Guarded<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is InvalidDataException or IOException or NotSupportedException or ArgumentException or OverflowException)
        {
            // What the zip reader throws on damaged files is not documented; these are the types that its parsing can reach.
            throw BadFile.At(file, 0, $"a {what} that cannot be read ({error.Message.ReplaceLineEndings(" ").TrimEnd('.')})", "a zip file, stored or deflated", "download or copy the file again", error);
        }
    }

    private InvalidDataException Bad(string found, string allowed, string remedy) => BadFile.At(file, 0, found, allowed, remedy);
}
