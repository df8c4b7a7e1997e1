using System.CommandLine;
using System.Text.Json.Nodes;
using MambaExt.Distributed;
using MambaExt.Graph.Training;
using MambaExt.Reports;
using MambaExt.Runs;
using static TorchSharp.torch;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph train</c>: a classifier of vertices or graphs over seeds or splits.</summary>
internal static class GraphTrainCommand
{
    private const string Name = "graph train";
    private static readonly GraphDataOptions Data = new(GraphUse.Training);
    private static readonly Option<string> Model = CommonOptions.Choice("--model", "The model: Graph Mamba, a baseline, the library's own deep network with the scan, or one of them without a part.", NodeRecipe.Names);
    private static readonly Option<bool> Ablations = new("--ablations") { Description = "Train Graph Mamba, and it without its scan branch and without its message-passing branch." };
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "Seeds 0 ... N-1 on each split.", 1, 1000);
    private static readonly Option<int> Splits = CommonOptions.Number("--splits", "N", "Splits 0 ... N-1 of the data set.", 1, 1000);
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Run folder (default: a new one below ./runs).");
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Model.DefaultValueFactory = _ => NodeRecipe.Names[0];
        Seeds.DefaultValueFactory = Splits.DefaultValueFactory = _ => 1;
        var command = new Command("train", "Train a classifier of vertices or of whole graphs; report mean and deviation over seeds or splits. The options from --d_model on change the model's recipe for the data set.")
        {
            Model, Ablations, Seeds, Splits, Out, RunSession.ResumeOption, RunSession.CheckpointOption, RunSession.DeterministicOption, RunSession.DataParallelOption, Where, Threads, Json,
        };
        foreach (Option option in Data.All.Concat(GraphRecipeOptions.All))
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            RunSession.RefuseBesideResume(result, Json);
            if (result.GetResult(RunSession.ResumeOption) is null)
            {
                Data.Check(result);
            }

            if (result.GetResult(Ablations) is { Implicit: false } && result.GetResult(Model) is { Implicit: false })
            {
                result.AddError("--ablations trains every model and --model names one; give one of the two.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        using ICommunicator ranks = Communicators.FromEnvironment();
        ParseResult arguments = RunSession.Arguments(parsed);
        RunSession.RequireRanks(arguments, ranks);
        RunSession.UseThreads(parsed, arguments, Threads);
        Device? device = Where.Read(arguments);
        ClassificationTask data = Data.Load(arguments);
        string[] models = arguments.GetValue(Ablations) ? [.. NodeRecipe.Ablations] : [arguments.GetValue(Model)!];
        Dictionary<string, NodeRecipe> recipes = models.ToDictionary(m => m, m => NodeRecipe.For(data.Name, m, recipe => GraphRecipeOptions.Apply(arguments, m, recipe)));
        foreach (NodeRecipe each in recipes.Values)
        {
            // Whatever can be out of range is found before a folder is made.
            data.Validate(each, device);
        }

        NodeRecipe recipe = recipes[models[0]];
        data = data.Prepare(recipe);

        IReadOnlyList<NodeRunKey> keys = Keys(arguments, data, models);
        JsonObject config = RunSession.Config(arguments, Name, Data.Paths, ranks);
        config["device"] = arguments.GetValue(Where);
        foreach (var (key, value) in (JsonObject)JsonResult.Node(Describe(data, recipe, models, keys)))
        {
            config[key] = value?.DeepClone();
        }

        string path = arguments.GetValue(Out) ?? RunFolder.NewPath("runs", $"graph-{data.Name}");
        using RunSession session = RunSession.Open(parsed, Name, config, path, ranks);
        TextWriter progress = ranks.Rank == 0 ? Console.Error : TextWriter.Null;
        foreach (string line in data.Report.Append(MemoryEstimate.Describe(recipes.Values.Max(data.Memory))))
        {
            progress.WriteLine(line);
        }

        var view = new GraphProgressView(keys.Count, recipe.Training.epochs, progress, !Console.IsErrorRedirected, TimeProvider.System);
        var experiment = new Experiment<NodeRunKey, NodeRun>(
            session.Folder, TimeSpan.FromSeconds(arguments.GetValue(RunSession.CheckpointOption)), progress.WriteLine, ranks, arguments.GetValue(RunSession.DataParallelOption));
        if (session.Resumed)
        {
            experiment.Resume();
        }

        IReadOnlyList<NodeResult> results = session.Guard(() => new NodeExperiment(data, recipes, keys) { Device = device, Epoch = view.Epoch, Done = view.Done }.Run(experiment, session.Path, token));
        NodeResult result = results[0] with { ablations = results.Count > 1 ? [.. results.Skip(1)] : null };
        if (session.Folder is not null)
        {
            session.Folder.WriteResult(result);
            RunReport.Write([session.Path], Path.Combine(session.Path, RunReport.FileName));
            Print(results, result, session.Path, parsed.GetValue(Json));
        }

        return ExitCode.Done;
    }

    private static void Print(IReadOnlyList<NodeResult> results, NodeResult result, string path, bool json)
    {
        if (json)
        {
            JsonResult.Write(result);
            return;
        }

        GraphProgressView.Table(results);
        Console.WriteLine($"Run: {path}");
        Console.WriteLine($"Report: {Path.Combine(path, RunReport.FileName)}");
    }

    private static List<NodeRunKey> Keys(ParseResult arguments, ClassificationTask data, string[] models) =>
        [.. models.SelectMany(model => GraphCommands.Keys(data, model, arguments.GetValue(Splits), arguments.GetValue(Seeds)))];

    private static object Describe(ClassificationTask data, NodeRecipe recipe, string[] models, IReadOnlyList<NodeRunKey> keys) => new
    {
        dataset = data.Name,
        files = data.Files.Select(f => new { f.Name, f.Bytes, f.Sha256, f.Official }),
        variant = data.Variant.ToString().ToLowerInvariant(),
        transforms = data.Transforms,
        splits = new { kind = data.SplitKind, count = data.SplitCount, notes = data.Notes },
        metric = data.Metric,
        classes = data.ClassNames,
        models,
        options = recipe.Model,
        training = recipe.Training,
        runs = keys.Where(k => k.Model == models[0]).Select(k => new { seed = k.Seed, split = k.Split }),
    };
}
