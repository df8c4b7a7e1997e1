using System.Text;
using System.Text.Json;

namespace MambaExt.Cli.Tests.Support;

/// <summary>The keys of a JSON document in their order, with the kind of value in the value's place; an array by its first element.</summary>
internal static class JsonShape
{
    /// <summary>Compares with the golden text file of that name.</summary>
    public static JsonDocument AssertGolden(string name, string json)
    {
        JsonDocument document = JsonDocument.Parse(json);
        string golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", name)).ReplaceLineEndings("\n");
        Assert.Equal(golden, Of(document.RootElement), ignoreLineEndingDifferences: true);
        return document;
    }

    public static string Of(JsonElement element)
    {
        var text = new StringBuilder();
        Add(text, element, 0);
        return text.ToString();
    }

    private static void Add(StringBuilder text, JsonElement element, int depth)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append("{\n");
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    text.Append(' ', 2 * depth + 2).Append(property.Name).Append(": ");
                    Add(text, property.Value, depth + 1);
                }

                text.Append(' ', 2 * depth).Append("}\n");
                break;
            case JsonValueKind.Array when element.GetArrayLength() > 0:
                text.Append("array of ");
                Add(text, element[0], depth);
                break;
            default:
                text.Append(element.ValueKind is JsonValueKind.True or JsonValueKind.False ? "boolean" : element.ValueKind.ToString().ToLowerInvariant()).Append('\n');
                break;
        }
    }
}
