using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Training;
using MambaExt.Kernels;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph compare</c>: models against models on data sets, in one table.</summary>
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
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Seeds.DefaultValueFactory = Splits.DefaultValueFactory = Trials.DefaultValueFactory = TrialSplits.DefaultValueFactory = _ => 1;
        var command = new Command("compare", "Train models on data sets; one table of scores, parameters, time and memory, published scores beside them. Run it again with the same --out to go on.")
        {
            DataSets, Models, Data, Seeds, Splits, Trials, TrialSplits, Epochs, Comparison.Out, RunSession.CheckpointOption, RunSession.DeterministicOption, Where, Threads, Json,
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
        using var comparison = new Comparison(parsed, Name, "compare", [Data]);
        RunSession.UseThreads(parsed, parsed, Threads);
        _ = Where.Read(parsed);
        string[] names = [.. parsed.GetValue(DataSets)!.Select(name => GraphDataSets.Find(name).Name).Distinct()], models = [.. parsed.GetValue(Models)!.Distinct()];

        // Everything that can be wrong is found before the first cell, which may take hours.
        var plan = new List<(ClassificationTask Data, string Model, IReadOnlyList<NodeTrial> Trials, NodeRunKey[] Keys)>();
        foreach (ClassificationTask data in names.Select(name => ClassificationTask.Load(name, parsed.GetValue(Data))))
        {
            _ = GraphCommands.Keys(data, "", parsed.GetValue(TrialSplits), 1).Count();
            plan.AddRange(models.Select(model => (data, model, Settings(parsed, data, model), GraphCommands.Keys(data, model, parsed.GetValue(Splits), parsed.GetValue(Seeds)).ToArray())));
        }

        JsonObject[] cells = [.. plan.Select((cell, i) => comparison.Cell(
            cell.Data.Name, cell.Model, $"{i + 1} of {plan.Count}", Describe(parsed, cell.Data, cell.Model, cell.Trials, cell.Keys), $"{cell.Model}, {cell.Data.Report[0]}",
            session => Execute(parsed, session, cell.Data, cell.Model, cell.Trials, cell.Keys, token)))];
        PublishedScore[] published = [.. plan.Select(cell => cell.Data).Distinct().Where(data => data.IsOfficial).SelectMany(data => PublishedScores.For(data.Name))];
        return comparison.Finish(JsonResult.Node(new { cells, published, run_dir = comparison.Folder }), Json, () => ComparisonTable.Print(cells, published));
    }

    private static JsonObject Describe(ParseResult parsed, ClassificationTask data, string model, IReadOnlyList<NodeTrial> trials, NodeRunKey[] keys) => (JsonObject)JsonResult.Node(new
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

    private static void Execute(
        ParseResult parsed, RunSession session, ClassificationTask data, string model, IReadOnlyList<NodeTrial> trials, NodeRunKey[] keys, CancellationToken token)
    {
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
        session.Folder!.WriteResult(comparison.Run(experiment, session.Path, token));
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
