using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MambaExt.Cli;

/// <summary>The one JSON document that a command prints with <c>--json</c>.</summary>
internal static class JsonResult
{
    /// <summary>As documents are printed.</summary>
    public static JsonSerializerOptions Indented { get; } = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public static void Write(object document) => Console.WriteLine(JsonSerializer.Serialize(document, Indented));

    /// <summary>The same document for a file: enumerations by their words.</summary>
    public static JsonNode Node(object document) => JsonSerializer.SerializeToNode(document, Indented)!;
}
