using System.Text.Encodings.Web;
using System.Text.Json;

namespace MambaExt.Cli;

/// <summary>The one JSON document that a command prints with <c>--json</c>.</summary>
internal static class JsonResult
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(object document) => Console.WriteLine(JsonSerializer.Serialize(document, Options));
}
