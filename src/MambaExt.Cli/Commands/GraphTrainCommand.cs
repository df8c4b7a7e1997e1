using System.CommandLine;
using System.Reflection;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using MambaExt.Runs;
using TorchSharp;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph train</c>: a node classifier over seeds or splits.</summary>
internal static class GraphTrainCommand
{
    private static readonly Option<string> DataSet = new("--dataset") { Description = "Name of the data set: " + string.Join(", ", GraphDataSets.All.Select(d => d.Name)), Required = true };
    private static readonly Option<string?> Data = new("--data") { Description = "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA)", HelpName = "DIR" };
    private static readonly Option<string> Model = new("--model") { Description = "graph-mamba, no-scan or no-mpnn", DefaultValueFactory = _ => "graph-mamba" };
    private static readonly Option<bool> Ablations = new("--ablations") { Description = "Train the model without its scan branch and without its message-passing branch too" };
    private static readonly Option<int> Seeds = Count("--seeds", "Seeds 0 ... N-1 on each split", 1);
    private static readonly Option<int> Splits = Count("--splits", "Splits 0 ... N-1 of the data set", 1);
    private static readonly Option<string?> Out = new("--out") { Description = "Run folder (default: a new one below ./runs)", HelpName = "DIR" };
    private static readonly Option<int?> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Model.AcceptOnlyFromAmong([.. NodeRecipe.Names]);
        var command = new Command("train", "Train a node classifier and report mean and deviation over seeds or splits")
        {
            DataSet, Data, Model, Ablations, Seeds, Splits, Out, Threads, Json,
        };
        foreach (Option option in GraphModelOptions.All)
        {
            command.Add(option);
        }

        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        if (parsed.GetValue(Threads) is { } count)
        {
            Compute.Threads = count;
        }

        torch.set_num_threads(Compute.Threads);
        NodeDataSet data = GraphDataSets.Load(parsed.GetValue(DataSet)!, parsed.GetValue(Data) ?? Environment.GetEnvironmentVariable("MAMBAEXT_DATA"));
        NodeRecipe recipe = GraphModelOptions.Apply(parsed, NodeRecipe.For(data.Name));
        recipe.Training.Validate();
        if (recipe.Training.normalise_features)
        {
            data = data.WithRowNormalisedFeatures();
        }

        int splits = parsed.GetValue(Splits);
        if (splits > data.Splits.Count)
        {
            throw new ArgumentException($"--splits is {splits}; {data.Name} has {data.Splits.Count}.");
        }

        List<(int Seed, int Split)> runs = [.. from split in Enumerable.Range(0, splits) from seed in Enumerable.Range(0, parsed.GetValue(Seeds)) select (splits > 1 ? seed + split : seed, split)];
        string[] models = parsed.GetValue(Ablations) ? [.. NodeRecipe.Names] : [parsed.GetValue(Model)!];
        foreach (string model in models)
        {
            recipe.Variant(model).Validate();
        }

        using var folder = new RunFolder(parsed.GetValue(Out) ?? RunFolder.NewPath("runs", $"graph-{data.Name}"));
        folder.WriteConfig(new
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
        });
        Console.Error.WriteLine(data.Summary);
        var view = new GraphProgressView(runs.Count * models.Length, recipe.Training.epochs);
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

    private static Option<int> Count(string name, string description, int standard)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => standard };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 1000)
            {
                result.AddError($"{name} is {result.Tokens[0].Value}; give a number from 1 to 1000.");
            }
        });
        return option;
    }
}
