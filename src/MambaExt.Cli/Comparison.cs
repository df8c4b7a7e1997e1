using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Commands;
using MambaExt.Distributed;
using MambaExt.Kernels;
using MambaExt.Reports;
using MambaExt.Runs;

namespace MambaExt.Cli;

/// <summary>A comparison: cells, each a run folder <c>FOLDER/DATASET/CELL</c>. A cell that is done is not run again, so that the same command goes on where it
/// was stopped and may name further cells.</summary>
internal sealed class Comparison : IDisposable
{
    /// <summary>Where to compare.</summary>
    public static readonly Option<string?> Out = CommonOptions.Folder("--out", "Folder of the comparison, new or to go on with (default: a new one below ./runs).");

    private readonly ParseResult _parsed;
    private readonly string _name;
    private readonly IReadOnlyList<Option<string?>> _paths;
    private readonly ICommunicator _ranks = Communicators.FromEnvironment();
    private readonly List<string> _cells = [];

    /// <param name="parsed">The command line</param>
    /// <param name="name">The command's words</param>
    /// <param name="folderName">Begins the name of a folder where none is given</param>
    /// <param name="paths">Options that hold paths of data</param>
    /// <exception cref="ArgumentException">Started in more than one process.</exception>
    public Comparison(ParseResult parsed, string name, string folderName, IReadOnlyList<Option<string?>> paths)
    {
        (_parsed, _name, _paths) = (parsed, name, paths);
        if (_ranks.Size > 1)
        {
            int size = _ranks.Size;
            _ranks.Dispose();
            throw new ArgumentException($"{name} runs in one process and was started in {size}; start it without mpirun, or one comparison a machine with an --out of its own.");
        }

        Folder = Path.GetFullPath(parsed.GetValue(Out) ?? RunFolder.NewPath("runs", folderName));
    }

    /// <summary>Of the whole comparison.</summary>
    public string Folder { get; }

    /// <summary>Folder of a cell.</summary>
    public string PathOf(string dataSet, string cell) => Path.Combine(Folder, dataSet, cell);

    /// <summary>The cell's result, from its folder if it is done.</summary>
    /// <param name="dataSet">Name of its data set</param>
    /// <param name="name">Of the cell</param>
    /// <param name="place">Such as <c>2 of 5</c></param>
    /// <param name="describe">What it computes: a cell that was begun or done must be of the same description</param>
    /// <param name="title">Said before it begins</param>
    /// <param name="run">Computes it and writes its result</param>
    public JsonObject Cell(string dataSet, string name, string place, JsonObject describe, string title, Action<RunSession> run)
    {
        string path = PathOf(dataSet, name);
        _cells.Add(path);
        JsonObject config = RunSession.Config(_parsed, _name, _paths, _ranks);
        foreach (var (key, value) in describe)
        {
            config[key] = value?.DeepClone();
        }

        JsonObject? before = RunFolder.Read(path, "config.json");
        if (before is not null && RunFolder.Read(path, "result.json") is { } done)
        {
            // What it was computed with may be older; what was computed must be what is asked for.
            RunSession.RequireSame(path, before, config, describe.Select(p => p.Key));
            Console.Error.WriteLine($"{place}: {name}, {dataSet}: done before.");
            return done;
        }

        using RunSession session = RunSession.Open(path, before is not null, _name, config, _ranks);
        Console.Error.WriteLine($"{place}: {title}");
        try
        {
            run(session);
        }
        catch (OperationCanceledException)
        {
            throw new InterruptedRunException($"Interrupted; what is done is kept. Go on with the same command and --out {Folder}");
        }

        return RunFolder.Read(path, "result.json")!;
    }

    /// <summary>Writes the result and the report of all cells, and prints the one or tells of the other.</summary>
    public int Finish(JsonNode document, Option<bool> json, Action print)
    {
        PartialFile.Write(Path.Combine(Folder, "result.json"), stream => JsonSerializer.Serialize(stream, document, JsonResult.Indented));
        RunReport.Write(_cells, Path.Combine(Folder, RunReport.FileName));
        if (_parsed.GetValue(json))
        {
            JsonResult.Write(document);
        }
        else
        {
            print();
            Console.WriteLine($"Runs: {Folder}");
            Console.WriteLine($"Report: {Path.Combine(Folder, RunReport.FileName)}");
        }

        return ExitCode.Done;
    }

    public void Dispose() => _ranks.Dispose();
}
