using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Training;
using MambaExt.Kernels;
using MambaExt.Reports;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph compare</c>: models against models on data sets, in one table. Each cell is a run folder, and a cell that is done is not run
/// again: the same command goes on where it was stopped, and may name further models.</summary>
internal static class GraphCompareCommand
{
    private const string Name = "graph compare";
    private static readonly Option<string[]> DataSets = CommonOptions.List("--datasets", $"Required: data sets, one or several: {GraphCommands.Names}.");
    private static readonly Option<string[]> Models = CommonOptions.List("--models", $"Required: models, one or several: {string.Join(", ", NodeRecipe.Names)}.");
    private static readonly Option<string?> Data = GraphCommands.Data();
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "Seeds 0 ... N-1 on each split.", 1, 1000);
    private static readonly Option<int> Splits = CommonOptions.Number("--splits", "N", "Splits 0 ... N-1 of each data set.", 1, 1000);
    private static readonly Option<int> Trials = CommonOptions.Number("--trials", "N", "Settings to try on validation data for each model; 1: its recipe.", 1, NodeTrials.Most);
    private static readonly Option<int> TrialSplits = CommonOptions.Number("--trial-splits", "N", "Splits that each setting is tried on.", 1, 1000);
    private static readonly Option<int> Epochs = CommonOptions.Number("--epochs", "N", "Most epochs of every training (default: each recipe's own).", 1, 1_000_000);
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Folder of the comparison, new or to go on with (default: a new one below ./runs).");
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Seeds.DefaultValueFactory = Splits.DefaultValueFactory = Trials.DefaultValueFactory = TrialSplits.DefaultValueFactory = _ => 1;
        var command = new Command("compare", "Train models on data sets; one table of scores, parameters, time and memory, published scores beside them. Run it again with the same --out to go on.")
        {
            DataSets, Models, Data, Seeds, Splits, Trials, TrialSplits, Epochs, Out, RunSession.CheckpointOption, RunSession.DeterministicOption, Where, Threads, Json,
        };
        command.Validators.Add(result =>
        {
            foreach (var (option, known) in new[] { (DataSets, GraphCommands.Names), (Models, string.Join(", ", NodeRecipe.Names)) })
            {
                if (result.GetResult(option) is null)
                {
                    result.AddError($"{option.Name} is missing; known are {known}.");
                    return;
                }
            }

            bool tries = result.GetResult(Trials) is { Implicit: false } trials && trials.Tokens is not [{ Value: "1" }];
            if (!tries && result.GetResult(TrialSplits) is { Implicit: false })
            {
                result.AddError("--trial-splits says where settings are tried, and --trials is 1; give --trials 2 or more.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        using ICommunicator ranks = Communicators.FromEnvironment();
        if (ranks.Size > 1)
        {
            throw new ArgumentException($"{Name} runs in one process and was started in {ranks.Size}; start it without mpirun, or one comparison a machine with an --out of its own.");
        }

        RunSession.UseThreads(parsed, parsed, Threads);
        _ = Where.Read(parsed);
        string[] names = [.. parsed.GetValue(DataSets)!.Select(name => GraphDataSets.Find(name).Name).Distinct()], models = [.. parsed.GetValue(Models)!.Distinct()];
        string folder = Path.GetFullPath(parsed.GetValue(Out) ?? RunFolder.NewPath("runs", "compare"));

        // Everything that can be wrong is found before the first cell, which may take hours.
        var plan = new List<(ClassificationTask Data, string Model, IReadOnlyList<NodeTrial> Trials, NodeRunKey[] Keys)>();
        foreach (ClassificationTask data in names.Select(name => ClassificationTask.Load(name, parsed.GetValue(Data))))
        {
            _ = GraphCommands.Keys(data, "", parsed.GetValue(TrialSplits), 1).Count();
            plan.AddRange(models.Select(model => (data, model, Settings(parsed, data, model), GraphCommands.Keys(data, model, parsed.GetValue(Splits), parsed.GetValue(Seeds)).ToArray())));
        }

        JsonObject[] cells = [.. plan.Select((cell, i) =>
            Cell(parsed, ranks, cell.Data, cell.Model, cell.Trials, cell.Keys, Path.Combine(folder, cell.Data.Name, cell.Model), $"{i + 1} of {plan.Count}", token))];
        PublishedScore[] published = [.. plan.Select(cell => cell.Data).Distinct().Where(data => data.IsOfficial).SelectMany(data => PublishedScores.For(data.Name))];
        JsonNode document = JsonResult.Node(new { cells, published, run_dir = folder });
        PartialFile.Write(Path.Combine(folder, "result.json"), stream => JsonSerializer.Serialize(stream, document, JsonResult.Indented));
        RunReport.Write([.. plan.Select(cell => Path.Combine(folder, cell.Data.Name, cell.Model))], Path.Combine(folder, RunReport.FileName));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(document);
        }
        else
        {
            ComparisonTable.Print(cells, published);
            Console.WriteLine($"Runs: {folder}");
            Console.WriteLine($"Report: {Path.Combine(folder, RunReport.FileName)}");
        }

        return ExitCode.Done;
    }

    /// <summary>The cell's result, from its folder if it is done.</summary>
    private static JsonObject Cell(
        ParseResult parsed, ICommunicator ranks, ClassificationTask data, string model, IReadOnlyList<NodeTrial> trials, NodeRunKey[] keys, string path, string place, CancellationToken token)
    {
        JsonObject config = RunSession.Config(parsed, Name, [Data], ranks), cell = (JsonObject)JsonResult.Node(new
        {
            dataset = data.Name,
            model,
            files = data.Files.Select(f => new { f.Name, f.Bytes, f.Sha256, f.Official }),
            variant = data.Variant.ToString().ToLowerInvariant(),
            trials = trials.Select(t => new { t.Change, options = t.Recipe.Model, training = t.Recipe.Training }),
            device = parsed.GetValue(Where),
            trial_splits = trials.Count > 1 ? parsed.GetValue(TrialSplits) : 0,
            runs = keys.Select(k => new { seed = k.Seed, split = k.Split }),
        });
        foreach (var (key, value) in cell)
        {
            config[key] = value?.DeepClone();
        }

        JsonObject? before = RunFolder.Read(path, "config.json");
        if (before is not null && RunFolder.Read(path, "result.json") is { } done)
        {
            // What it was computed with may be older; what was computed must be what is asked for.
            RunSession.RequireSame(path, before, config, cell.Select(p => p.Key));
            Console.Error.WriteLine($"{place}: {model}, {data.Name}: done before.");
            return done;
        }

        using RunSession session = RunSession.Open(path, before is not null, Name, config, ranks);
        Console.Error.WriteLine($"{place}: {model}, {data.Report[0]}");
        Console.Error.WriteLine(MemoryEstimate.Describe(trials.Max(trial => data.Memory(trial.Recipe))));

        var experiment = new Experiment<NodeRunKey, NodeRun>(session.Folder, TimeSpan.FromSeconds(parsed.GetValue(RunSession.CheckpointOption)), Console.Error.WriteLine);
        if (session.Resumed)
        {
            experiment.Resume();
        }

        PeakMemory.Reset();
        int epochs = trials.Max(t => t.Recipe.Training.epochs), tried = trials.Count > 1 ? trials.Count * parsed.GetValue(TrialSplits) : 0;
        var view = new GraphProgressView(tried + keys.Length, epochs, Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        var comparison = new NodeComparison(data, model, trials, parsed.GetValue(TrialSplits), keys) { Device = Where.Read(parsed), Epoch = view.Epoch, Done = view.Done };
        ComparisonCell result;
        try
        {
            result = comparison.Run(experiment, session.Path, token);
        }
        catch (OperationCanceledException)
        {
            throw new InterruptedRunException($"Interrupted; what is done is kept. Go on with the same command and --out {Path.GetDirectoryName(Path.GetDirectoryName(path))}");
        }

        session.Folder!.WriteResult(result);
        return RunFolder.Read(path, "result.json")!;
    }

    private static IReadOnlyList<NodeTrial> Settings(ParseResult parsed, ClassificationTask data, string model)
    {
        NodeRecipe Change(NodeRecipe recipe) => parsed.GetResult(Epochs) is { Implicit: false } ? recipe with { Training = recipe.Training with { epochs = parsed.GetValue(Epochs) } } : recipe;
        IReadOnlyList<NodeTrial> trials = NodeTrials.Of(NodeRecipe.For(data.Name, model, Change), parsed.GetValue(Trials));
        foreach (NodeRecipe recipe in trials.Select(t => t.Recipe))
        {
            data.Validate(recipe, Where.Read(parsed));
        }

        return trials;
    }
}
