using System.Globalization;
using System.Text.Json;

namespace MambaExt.Reports;

/// <summary>Reads keys that may be absent or of another kind than expected: both are null, never an error.</summary>
internal static class JsonKeys
{
    public static JsonElement? Key(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>JSON may hold text that is none, such as half a character; it is found here and not where the text is used.</summary>
    /// <exception cref="JsonException">A name or a string below the element is no text.</exception>
    public static void RequireText(this JsonElement element)
    {
        try
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.String:
                    element.GetString();
                    break;
                case JsonValueKind.Array:
                    foreach (JsonElement item in element.EnumerateArray())
                    {
                        item.RequireText();
                    }

                    break;
                case JsonValueKind.Object:
                    foreach (JsonProperty property in element.EnumerateObject())
                    {
                        _ = property.Name;
                        property.Value.RequireText();
                    }

                    break;
            }
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("Text of the document is not valid.", null, 0, 0, e);
        }
    }

    /// <summary>A number; one that is none is written as "NaN", "Infinity" or "-Infinity".</summary>
    public static double? Number(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number => element.TryGetDouble(out double value) ? value : null,
        JsonValueKind.String => element.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => null,
        },
        _ => null,
    };

    public static double? Number(this JsonElement element, string name) => element.Key(name)?.Number();

    public static string? Text(this JsonElement element, string name) => element.Key(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>The elements of an array; none where there is no array.</summary>
    public static IReadOnlyList<JsonElement> Items(this JsonElement element, string name) =>
        element.Key(name) is { ValueKind: JsonValueKind.Array } value ? [.. value.EnumerateArray()] : [];

    /// <summary>What a table cell shows: text and numbers as they are, anything else as JSON on one line.</summary>
    public static string Shown(this JsonElement element) => Figures.Short(element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!,
        JsonValueKind.Number => element.TryGetInt64(out long whole) ? whole.ToString(CultureInfo.InvariantCulture) : Figures.Any(element.Number()),
        JsonValueKind.Null => Figures.Absent,
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array when element.EnumerateArray().All(item => item.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)) =>
            string.Join(", ", element.EnumerateArray().Take(100).Select(Shown)) is { Length: > 0 } list ? list : "none",
        _ => string.Join(' ', element.GetRawText().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
    }, 300);

    /// <summary>Every option below an object with the names that lead to it, joined by dots; arrays stay whole.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Leaves(this JsonElement element, string prefix = "")
    {
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = Figures.Short(prefix.Length == 0 ? property.Name : $"{prefix}.{property.Name}", 200);
            if (property.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (var leaf in property.Value.Leaves(name))
                {
                    yield return leaf;
                }
            }
            else
            {
                yield return (name, property.Value);
            }
        }
    }
}
