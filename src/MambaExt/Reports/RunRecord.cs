using System.Text.Json;
using MambaExt.Kernels;

namespace MambaExt.Reports;

/// <summary>A run folder as it was read: whatever of its three files is there. A run without a result has not finished.</summary>
internal sealed record RunRecord(string Folder, string Name, JsonElement? Config, JsonElement? Result, CurveSet Curves, IReadOnlyList<ModelScores> Models)
{
    /// <summary>Bytes of the largest <c>config.json</c> and <c>result.json</c>, and of the largest <c>metrics.jsonl</c>.</summary>
    public const long LargestDocument = 16L << 20, LargestMetrics = 256L << 20;

    private const string ConfigFile = "config.json", MetricsFile = "metrics.jsonl", ResultFile = "result.json";

    public string DataSet => FirstText("dataset") ?? "unnamed data";

    public string? Variant => FirstText("variant");

    /// <summary>Name of the score in words.</summary>
    public string Metric => ModelScores.MetricName(Models.FirstOrDefault()?.Metric);

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no run.</exception>
    /// <exception cref="InvalidDataException">A file is too large or is no JSON object.</exception>
    public static RunRecord Read(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The run folder {BadFile.Quote(folder)} does not exist; name the folder that a run was written to.");
        }

        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        JsonElement? config = Document(Path.Combine(full, ConfigFile)), result = Document(Path.Combine(full, ResultFile));
        string metrics = Path.Combine(full, MetricsFile);
        if (config is null && result is null && !File.Exists(metrics))
        {
            throw new FileNotFoundException($"The folder {BadFile.Quote(folder)} holds no run: none of {ConfigFile}, {MetricsFile} and {ResultFile} is there; name the folder that a run was written to.");
        }

        using Stream stream = File.Exists(metrics) ? Open(metrics, LargestMetrics) : Stream.Null;
        return new RunRecord(full, Path.GetFileName(full) is { Length: > 0 } name ? name : full, config, result, CurveSet.Read(stream), ModelScores.Read(result));
    }

    private static JsonElement? Document(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using Stream stream = Open(path, LargestDocument);
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            document.RootElement.RequireText();
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw BadFile.At(path, 0, $"JSON of kind {document.RootElement.ValueKind}", "a JSON object", "run the command again that wrote it");
        }
        catch (JsonException e)
        {
            throw BadFile.At(path, e.BytePositionInLine ?? 0, $"no JSON in line {e.LineNumber + 1}", "a JSON object, nested at most 64 deep", "run the command again that wrote it", e);
        }
    }

    private static FileStream Open(string path, long largest)
    {
        // A run that is under way holds its file open for writing.
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.Length > largest)
        {
            long length = stream.Length;
            stream.Dispose();
            throw BadFile.At(path, 0, $"a file of {length:n0} bytes", $"at most {largest:n0}", "cut it to the run's own lines, or leave this run out");
        }

        return stream;
    }

    private string? FirstText(string key) => Result?.Text(key) ?? Config?.Text(key);
}
