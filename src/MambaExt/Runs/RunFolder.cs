using System.Globalization;
using System.Text;
using System.Text.Json;
using MambaExt.Kernels;

namespace MambaExt.Runs;

/// <summary>The folder of one run: <c>config.json</c>, <c>metrics.jsonl</c> (a line an epoch), <c>result.json</c>.</summary>
public sealed class RunFolder : IDisposable
{
    // A loss that has become no number is written as "NaN": it must not end the run that could report it.
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static readonly JsonSerializerOptions Indented = new(Plain) { WriteIndented = true };
    private readonly StreamWriter _metrics;

    /// <summary>Makes the folder, which must not hold a run yet, before anything is computed.</summary>
    /// <exception cref="IOException">It holds a run, or cannot be written.</exception>
    public RunFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        string metrics = System.IO.Path.Combine(Path, "metrics.jsonl");
        if (new[] { "metrics.jsonl", "config.json", "result.json" }.Any(name => File.Exists(System.IO.Path.Combine(Path, name))))
        {
            throw new IOException($"'{Path}' already holds a run; give another folder or remove it.");
        }

        try
        {
            Directory.CreateDirectory(Path);
            _metrics = new StreamWriter(new FileStream(metrics, FileMode.CreateNew, FileAccess.Write, FileShare.Read), new UTF8Encoding(false));
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new IOException($"'{Path}' cannot be written ({e.Message.TrimEnd('.')}); give a folder that can.", e);
        }
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>A folder name that is not taken: name, date and time below <paramref name="parent"/>.</summary>
    public static string NewPath(string parent, string name)
    {
        string stem = System.IO.Path.Combine(parent, $"{name}-{DateTime.Now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}");
        string path = stem;
        for (int i = 2; Directory.Exists(path); i++)
        {
            path = $"{stem}-{i}";
        }

        return path;
    }

    /// <summary>Writes every option with its resolved value.</summary>
    public void WriteConfig(object config) => Write("config.json", config);

    /// <summary>Writes what the command prints with <c>--json</c>.</summary>
    public void WriteResult(object result) => Write("result.json", result);

    /// <summary>Adds a line to <c>metrics.jsonl</c>.</summary>
    public void AppendMetrics(object line)
    {
        _metrics.WriteLine(JsonSerializer.Serialize(line, Plain));
        _metrics.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _metrics.Dispose();

    private void Write(string name, object content) =>
        PartialFile.Write(System.IO.Path.Combine(Path, name), stream => JsonSerializer.Serialize(stream, content, Indented));
}
