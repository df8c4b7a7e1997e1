using System.Text.Json;

namespace MambaExt.Kernels;

/// <summary>The JSON header of a safetensors file, checked whole before a byte of data is touched.</summary>
internal static class SafetensorsHeader
{
    public const string MetadataKey = "__metadata__";
    public const long MostBytes = 100_000_000;
    private const int MostDimensions = 64;
    private const string Remedy = "write the file again with a safetensors writer";

    /// <summary>Where an array lies: <paramref name="Begin"/> and <paramref name="End"/> count from the end of the header.</summary>
    public readonly record struct Slot(string Name, SafetensorsType Type, long[] Shape, long Begin, long End);

    /// <summary>Checks the length word against the file's length, before the header is allocated.</summary>
    public static int Length(ulong stated, long fileLength, string file)
    {
        long most = Math.Min(fileLength - 8, MostBytes);
        return stated <= (ulong)most
            ? (int)stated
            : throw BadFile.At(file, 0, $"a header length of {stated}", $"at most {most} in a file of {fileLength} bytes", "download or copy the file again");
    }

    /// <summary>Reads <paramref name="json"/>; the slots come in the order of the data and cover <paramref name="dataLength"/> without gaps.</summary>
    public static List<Slot> Parse(ReadOnlyMemory<byte> json, long dataLength, string file, Dictionary<string, string> metadata)
    {
        List<Slot> slots = [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad(file, $"a header that is a JSON {document.RootElement.ValueKind}", "an object");
            }

            HashSet<string> names = [];
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!names.Add(property.Name))
                {
                    throw Bad(file, $"the name {BadFile.Quote(property.Name)} twice", "each name once");
                }

                if (property.Name == MetadataKey)
                {
                    ReadMetadata(property.Value, file, metadata);
                }
                else
                {
                    slots.Add(ReadSlot(property, file));
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is how System.Text.Json reports text that is no UTF-8 or half a surrogate pair.
            throw BadFile.At(file, 8, $"a header that is not JSON ({error.Message.TrimEnd('.')})", "a UTF-8 JSON object", Remedy, error);
        }

        slots.Sort(static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long end = 0;
        foreach (Slot slot in slots)
        {
            if (slot.Begin != end)
            {
                throw Bad(file, $"{BadFile.Quote(slot.Name)} at data offset {slot.Begin} where the array before it ends at {end}", "no gap and no overlap");
            }

            end = slot.End;
        }

        return end == dataLength
            ? slots
            : throw Bad(file, $"arrays that end at data offset {end}", $"the {dataLength} bytes that follow the header");
    }

    private static Slot ReadSlot(JsonProperty property, string file)
    {
        string name = property.Name;
        if (name.Length == 0)
        {
            throw Bad(file, "an array without a name", "a name of one character or more");
        }

        if (property.Value.ValueKind != JsonValueKind.Object
            || !property.Value.TryGetProperty("dtype", out JsonElement dtype) || dtype.ValueKind != JsonValueKind.String
            || !property.Value.TryGetProperty("shape", out JsonElement shapeArray) || !TryLongs(shapeArray, MostDimensions, out long[] shape)
            || !property.Value.TryGetProperty("data_offsets", out JsonElement offsets) || !TryLongs(offsets, 2, out long[] range) || range.Length != 2)
        {
            throw Bad(file, $"{BadFile.Quote(name)} described otherwise", "{dtype: text, shape: [whole numbers, 64 at most], data_offsets: [begin, end]}");
        }

        if (!SafetensorsTypes.TryParse(dtype.GetString()!, out SafetensorsType type))
        {
            throw BadFile.At(file, 8, $"{BadFile.Quote(name)} of dtype {BadFile.Quote(dtype.GetString()!)}",
                string.Join(", ", Enum.GetValues<SafetensorsType>().Select(t => t.Name())), "convert the array to one of these types");
        }

        // Begin and end are not negative here, so their difference cannot overflow.
        return SafetensorsEntry.TryBytes(shape, type, out long bytes) && range[1] >= range[0] && range[1] - range[0] == bytes
            ? new Slot(name, type, shape, range[0], range[1])
            : throw Bad(file, $"{BadFile.Quote(name)} of shape {SafetensorsEntry.Text(shape)} and {type.Name()} at data offsets {range[0]} to {range[1]}", "offsets as far apart as the shape takes bytes");
    }

    private static void ReadMetadata(JsonElement map, string file, Dictionary<string, string> metadata)
    {
        if (map.ValueKind != JsonValueKind.Object)
        {
            throw Bad(file, $"metadata that is a JSON {map.ValueKind}", "a map from text to text");
        }

        foreach (JsonProperty pair in map.EnumerateObject())
        {
            if (pair.Value.ValueKind != JsonValueKind.String || !metadata.TryAdd(pair.Name, pair.Value.GetString()!))
            {
                throw Bad(file, $"metadata key {BadFile.Quote(pair.Name)} twice or with a JSON {pair.Value.ValueKind}", "each key once with a text");
            }
        }
    }

    private static bool TryLongs(JsonElement array, int most, out long[] values)
    {
        values = [];
        if (array.ValueKind != JsonValueKind.Array || array.GetArrayLength() > most)
        {
            return false;
        }

        values = new long[array.GetArrayLength()];
        int at = 0;
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out values[at]) || values[at++] < 0)
            {
                return false;
            }
        }

        return true;
    }

    private static InvalidDataException Bad(string file, string found, string allowed) => BadFile.At(file, 8, found, allowed, Remedy);
}
