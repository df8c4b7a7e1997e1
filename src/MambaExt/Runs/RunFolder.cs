using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Kernels;

namespace MambaExt.Runs;

/// <summary>
/// The folder of one run: <c>config.json</c> (every option), <c>metrics.jsonl</c> (a line an epoch), <c>checkpoint/</c>,
/// <c>result.json</c>. One process at a time writes to it.
/// </summary>
public sealed class RunFolder : IDisposable
{
    // A loss that has become no number is written as "NaN": it must not end the run that could report it.
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static readonly JsonSerializerOptions Indented = new(Plain) { WriteIndented = true };
    private static readonly string[] Files = ["metrics.jsonl", "config.json", "result.json"];
    private readonly FileStream _lock;
    private readonly FileStream _metrics;

    private RunFolder(string path, FileMode mode)
    {
        Path = path;
        try
        {
            Directory.CreateDirectory(Path);

            // Taken first: where another process is writing this run, what it has half written must not be deleted. On Unix only a file
            // that nobody may share keeps a second writer out, and metrics.jsonl is to be read while the run goes on.
            _lock = new FileStream(File("run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            try
            {
                _metrics = new FileStream(File("metrics.jsonl"), mode, FileAccess.ReadWrite, FileShare.Read);
                _metrics.Seek(0, SeekOrigin.End);
                foreach (string half in Directory.EnumerateFiles(Path, "*" + PartialFile.Suffix))
                {
                    System.IO.File.Delete(half); // what a killed run was writing
                }
            }
            catch
            {
                _metrics?.Dispose();
                _lock.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new IOException($"'{Path}' cannot be written ({e.Message.TrimEnd('.')}); give a folder that can, and no other run may be writing to it.", e);
        }

        Checkpoints = new CheckpointStore(File("checkpoint"));
    }

    /// <summary>Makes the folder, which must not hold a run yet, before anything is computed.</summary>
    /// <exception cref="ArgumentException">It holds a run.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public RunFolder(string path)
        : this(RequireFree(System.IO.Path.GetFullPath(path)), FileMode.OpenOrCreate)
    {
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Its checkpoints.</summary>
    public CheckpointStore Checkpoints { get; }

    /// <summary>Opens the folder of a run that was cut, to go on with it.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no run.</exception>
    /// <exception cref="IOException">Another process is writing to it.</exception>
    public static RunFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        return System.IO.File.Exists(System.IO.Path.Combine(path, "config.json"))
            ? new RunFolder(path, FileMode.OpenOrCreate)
            : throw new DirectoryNotFoundException($"'{path}' holds no run (no config.json); give the folder that a run was started with.");
    }

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

    /// <summary>A JSON document of the folder, or null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is no JSON object.</exception>
    public static JsonObject? Read(string folder, string name)
    {
        string path = System.IO.Path.Combine(folder, name);
        if (!System.IO.File.Exists(path))
        {
            return null;
        }

        try
        {
            if (new FileInfo(path).Length > MostJsonBytes)
            {
                throw new InvalidDataException($"'{path}' is longer than {MostJsonBytes >> 20} MiB, which no run writes; restore the file.");
            }

            using FileStream stream = System.IO.File.OpenRead(path);
            return JsonNode.Parse(stream, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }) as JsonObject
                ?? throw new InvalidDataException($"'{path}' is not a JSON object; restore the file or start the run anew.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is not JSON ({e.Message.TrimEnd('.')}); restore the file or start the run anew.", e);
        }
    }

    /// <summary>Writes every option with its resolved value.</summary>
    public void WriteConfig(object config) => Write("config.json", config);

    /// <summary>Writes what the command prints with <c>--json</c>.</summary>
    public void WriteResult(object result) => Write("result.json", result);

    /// <summary>Adds a line to <c>metrics.jsonl</c>.</summary>
    public void AppendMetrics(object line) => AppendLine(Line(line));

    /// <summary>Adds a line that is text already.</summary>
    internal void AppendLine(string text)
    {
        LastLine = text + "\n";
        _metrics.Write(Encoding.UTF8.GetBytes(LastLine));
        _metrics.Flush();
    }

    /// <summary>Writes a file of the run, over an older one.</summary>
    /// <param name="path">Below the folder, with forward slashes</param>
    /// <param name="content">The whole file</param>
    internal void Write(string path, byte[] content)
    {
        string full = System.IO.Path.GetFullPath(File(path));
        if (!full.StartsWith(Path + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{path}' lies outside of the run folder; give a path below it.");
        }

        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
        PartialFile.Write(full, stream => stream.Write(content));
    }

    /// <summary>The last line that was appended, its end included; empty before the first.</summary>
    public string LastLine { get; private set; } = "";

    /// <summary>A line of <c>metrics.jsonl</c> as text.</summary>
    public static string Line(object line) => JsonSerializer.Serialize(line, Plain);

    /// <summary>Puts all lines on the disk.</summary>
    /// <returns>The length of <c>metrics.jsonl</c>, to which <see cref="CutMetrics"/> can return.</returns>
    public long FlushMetrics()
    {
        _metrics.Flush(flushToDisk: true);
        return _metrics.Length;
    }

    /// <summary>Takes back the lines behind a checkpoint: they will be computed again.</summary>
    /// <param name="length">What <see cref="FlushMetrics"/> returned</param>
    /// <param name="lastLine">What <see cref="LastLine"/> was then: should the file have lost a part of it, it is put back</param>
    /// <exception cref="InvalidDataException">The file is shorter than it was by more than that.</exception>
    public void CutMetrics(long length, string lastLine = "")
    {
        byte[] last = Encoding.UTF8.GetBytes(lastLine);
        if (length < 0 || _metrics.Length < length - last.Length)
        {
            throw new InvalidDataException($"'{File("metrics.jsonl")}' has {_metrics.Length} bytes and had {length} at the checkpoint; restore the file or start the run anew.");
        }

        LastLine = lastLine;
        if (_metrics.Length < length)
        {
            _metrics.Seek(0, SeekOrigin.End);
            _metrics.Write(last.AsSpan(last.Length - (int)(length - _metrics.Length)));
            _metrics.Flush();
        }

        _metrics.SetLength(length);
        _metrics.Seek(0, SeekOrigin.End);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _metrics.Dispose();
        _lock.Dispose();
    }

    private const long MostJsonBytes = 64L << 20;

    // An empty metrics.jsonl alone is what a run leaves that was killed before it had written its config: there is nothing to lose.
    private static string RequireFree(string path) =>
        Files.Any(name => new FileInfo(System.IO.Path.Combine(path, name)) is { Exists: true, Length: > 0 })
            ? throw new ArgumentException($"'{path}' already holds a run; give another folder, remove it, or go on with it by --resume.")
            : path;

    private string File(string name) => System.IO.Path.Combine(Path, name);

    private void Write(string name, object content) => PartialFile.Write(File(name), stream => JsonSerializer.Serialize(stream, content, Indented));
}
