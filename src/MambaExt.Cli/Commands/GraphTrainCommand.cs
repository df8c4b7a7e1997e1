using System.CommandLine;
using System.Reflection;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tokens;
using MambaExt.Graph.Training;
using MambaExt.Runs;
using TorchSharp;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph train</c>: a node classifier over seeds or splits.</summary>
internal static class GraphTrainCommand
{
    private static readonly string Names = string.Join(", ", GraphDataSets.All.Select(d => d.Name));
    private static readonly Option<string?> DataSet = new("--dataset") { Description = $"Required: {Names}.", HelpName = "NAME" };
    private static readonly Option<string?> Data = CommonOptions.Folder("--data", "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA).");
    private static readonly Option<string> Model = CommonOptions.Choice("--model", "The whole model, or without one of its branches.", NodeRecipe.Names);
    private static readonly Option<bool> Ablations = new("--ablations") { Description = "Train the model without its scan branch and without its message-passing branch too." };
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "Seeds 0 ... N-1 on each split.", 1, 1000);
    private static readonly Option<int> Splits = CommonOptions.Number("--splits", "N", "Splits 0 ... N-1 of the data set.", 1, 1000);
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Run folder (default: a new one below ./runs).");
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Model.DefaultValueFactory = _ => NodeRecipe.Names[0];
        Seeds.DefaultValueFactory = Splits.DefaultValueFactory = _ => 1;
        var command = new Command("train", "Train a node classifier; report mean and deviation over seeds or splits. The options from --d_model on change the data set's own recipe.")
        {
            DataSet, Data, Model, Ablations, Seeds, Splits, Out, Threads, Json,
        };
        foreach (Option option in GraphModelOptions.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetResult(DataSet) is null)
            {
                result.AddError($"--dataset is missing; known are {Names}.");
            }
            else if (result.GetResult(Ablations) is { Implicit: false } && result.GetResult(Model) is { Implicit: false })
            {
                result.AddError("--ablations trains every model and --model names one; give one of the two.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        Threads.Use(parsed);
        NodeDataSet data = GraphDataSets.Load(parsed.GetValue(DataSet)!, parsed.GetValue(Data));
        NodeRecipe recipe = GraphModelOptions.Apply(parsed, NodeRecipe.For(data.Name));
        string[] models = parsed.GetValue(Ablations) ? [.. NodeRecipe.Names] : [parsed.GetValue(Model)!];
        Check(data, recipe, models);
        if (recipe.Training.normalise_features)
        {
            data = data.WithRowNormalisedFeatures();
        }

        int splits = parsed.GetValue(Splits);
        if (splits > data.Splits.Count)
        {
            throw new ArgumentException($"--splits is {splits}, and {data.Name} has {data.Splits.Count}; give 1 to {data.Splits.Count}.");
        }

        List<(int Seed, int Split)> runs = [.. from split in Enumerable.Range(0, splits) from seed in Enumerable.Range(0, parsed.GetValue(Seeds)) select (splits > 1 ? seed + split : seed, split)];
        using var folder = new RunFolder(parsed.GetValue(Out) ?? RunFolder.NewPath("runs", $"graph-{data.Name}"));
        folder.WriteConfig(JsonResult.Node(new
        {
            command = "graph train",
            dataset = data.Name,
            variant = data.Variant.ToString().ToLowerInvariant(),
            files = data.Files.Select(f => new { f.Name, f.Bytes, f.Sha256, f.Official }),
            transforms = data.Transforms,
            models,
            options = recipe.Model with { },
            training = recipe.Training,
            runs = runs.Select(r => new { seed = r.Seed, split = r.Split }),
            threads = Compute.Threads,
            vector_bits = Compute.Options.VectorBits,
            version = typeof(GraphTrainCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
            runtime = Environment.Version.ToString(),
            libtorch = torch.__version__,
        }));
        Console.Error.WriteLine(data.Summary);
        var view = new GraphProgressView(runs.Count * models.Length, recipe.Training.epochs, Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        var results = new List<NodeResult>();
        foreach (string model in models)
        {
            view.Begin(model);
            results.Add(NodeExperiment.Run(data, model, recipe.Variant(model), recipe.Training, runs, folder, view.Epoch, view.Done, token));
        }

        NodeResult result = results[0] with { ablations = results.Count > 1 ? results[1..] : null };
        folder.WriteResult(result);
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(result);
        }
        else
        {
            GraphProgressView.Table(results);
            Console.WriteLine($"Run: {folder.Path}");
        }

        return ExitCode.Done;
    }

    /// <summary>Whatever can be out of range is found before a folder is made.</summary>
    private static void Check(NodeDataSet data, NodeRecipe recipe, string[] models)
    {
        recipe.Training.Validate();
        foreach (GraphMambaOptions options in models.Select(recipe.Variant))
        {
            options.Validate();
            if (options.scan)
            {
                new WalkTokenOptions(options.M, options.m, options.s).Validate(data.Graph.VertexCount);
            }
        }
    }
}
