using System.Buffers.Binary;
using System.Text.Json;

namespace MambaExt.Kernels;

/// <summary>A safetensors file: named arrays and a text map. Everything is checked before memory is taken for it.</summary>
public sealed class SafetensorsFile
{
    private readonly Dictionary<string, SafetensorsEntry> byName;

    private SafetensorsFile(List<SafetensorsEntry> entries, Dictionary<string, string> metadata)
    {
        Entries = entries;
        Metadata = metadata;
        byName = entries.ToDictionary(entry => entry.Name);
    }

    /// <summary>All arrays, in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The file's text map; empty where it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The array called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public SafetensorsEntry this[string name] => byName.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new KeyNotFoundException($"No array is called '{name}'; the file has {string.Join(", ", byName.Keys.Take(40))}; ask for one of these.");

    /// <summary>The array called <paramref name="name"/>, or null.</summary>
    public SafetensorsEntry? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Reads a file, each array into memory of its own.</summary>
    /// <exception cref="InvalidDataException">The file breaks the format.</exception>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static SafetensorsFile Read(string path)
    {
        BadFile.ThrowIfMissing(path);
        string file = Path.GetFileName(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        CheckLength(stream.Length, file);
        byte[] word = new byte[8];
        try
        {
            stream.ReadExactly(word);
            byte[] json = new byte[SafetensorsHeader.Length(BinaryPrimitives.ReadUInt64LittleEndian(word), stream.Length, file)];
            stream.ReadExactly(json);
            return Build(json, stream.Length, file, slot =>
            {
                byte[] data = GC.AllocateUninitializedArray<byte>((int)(slot.End - slot.Begin));
                stream.ReadExactly(data);
                return data;
            });
        }
        catch (EndOfStreamException error)
        {
            // The length was checked, so another process has cut the file meanwhile.
            throw BadFile.At(file, stream.Length, "the end of the file", "the length it had when it was opened", "read it again when nothing writes to it", error);
        }
    }

    /// <summary>Reads a file that is in memory; its arrays are windows of <paramref name="bytes"/>. Messages call it <paramref name="name"/>.</summary>
    /// <exception cref="InvalidDataException">The bytes break the format.</exception>
    public static SafetensorsFile Parse(ReadOnlyMemory<byte> bytes, string name = "memory")
    {
        CheckLength(bytes.Length, name);
        int header = SafetensorsHeader.Length(BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span), bytes.Length, name);
        ReadOnlyMemory<byte> data = bytes[(8 + header)..];
        return Build(bytes.Slice(8, header), bytes.Length, name, slot => data[(int)slot.Begin..(int)slot.End]);
    }

    /// <summary>Writes the arrays, wider types first and then by name, so that equal content gives equal bytes.</summary>
    public static void Write(string path, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Action<Stream> content = Content(entries, metadata);
        PartialFile.Write(path, content);
    }

    /// <summary>Writes the same bytes to a stream.</summary>
    public static void Write(Stream stream, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Content(entries, metadata)(stream);
    }

    private static Action<Stream> Content(IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        ArgumentNullException.ThrowIfNull(entries);

        // Widest first keeps every array aligned to its own element size.
        List<SafetensorsEntry> ordered = [.. entries.OrderByDescending(e => e.Type.Size()).ThenBy(e => e.Name, StringComparer.Ordinal)];
        if (ordered.GroupBy(entry => entry.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Two arrays are called '{twice.Key}'; give each its own name.", nameof(entries));
        }

        byte[] header = HeaderOf(ordered, metadata);
        return stream =>
        {
            byte[] word = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(word, header.Length);
            stream.Write(word);
            stream.Write(header);
            foreach (SafetensorsEntry entry in ordered)
            {
                stream.Write(entry.Data.Span);
            }
        };
    }

    private static void CheckLength(long length, string file)
    {
        if (length < 8)
        {
            throw BadFile.At(file, 0, $"{length} bytes", "8 bytes of header length and more", "download or copy the file again");
        }
    }

    private static SafetensorsFile Build(ReadOnlyMemory<byte> json, long fileLength, string file, Func<SafetensorsHeader.Slot, ReadOnlyMemory<byte>> read)
    {
        long start = 8 + json.Length;
        Dictionary<string, string> metadata = [];
        List<SafetensorsHeader.Slot> slots = SafetensorsHeader.Parse(json, fileLength - start, file, metadata);
        List<SafetensorsEntry> entries = new(slots.Count);
        foreach (SafetensorsHeader.Slot slot in slots)
        {
            if (slot.End - slot.Begin > Array.MaxLength)
            {
                throw BadFile.At(file, start + slot.Begin, $"{BadFile.Quote(slot.Name)} of {slot.End - slot.Begin} bytes", $"at most {Array.MaxLength} bytes an array", "split the array");
            }

            SafetensorsEntry entry = new(slot.Name, slot.Type, slot.Shape, read(slot));
            int odd = slot.Type == SafetensorsType.Bool ? entry.Data.Span.IndexOfAnyExceptInRange((byte)0, (byte)1) : -1;
            entries.Add(odd < 0
                ? entry
                : throw BadFile.At(file, start + slot.Begin + odd, $"{entry.Data.Span[odd]} in {BadFile.Quote(slot.Name)} of BOOL", "0 and 1", "write the array as U8"));
        }

        return new SafetensorsFile(entries, metadata);
    }

    private static byte[] HeaderOf(List<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach (SafetensorsEntry entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.Name());
                WriteLongs(json, "shape", entry.Shape);
                WriteLongs(json, "data_offsets", [offset, offset + entry.Data.Length]);
                json.WriteEndObject();
                offset += entry.Data.Length;
            }

            json.WriteEndObject();
        }

        while (stream.Length % 8 != 0)
        {
            stream.WriteByte((byte)' ');
        }

        return stream.ToArray();
    }

    private static void WriteLongs(Utf8JsonWriter json, string name, ReadOnlySpan<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
