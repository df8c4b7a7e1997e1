using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Training;
using MambaExt.Kernels;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph predict</c>: classes of vertices or graphs by a trained model.</summary>
internal static class GraphPredictCommand
{
    private static readonly Option<string?> Model = CommonOptions.Folder("--model", "Required: a model folder (RUN/models/NAME), or a run folder that holds one model.");
    private static readonly GraphDataOptions Data = new(GraphUse.Prediction);
    private static readonly Option<string?> Out = new("--out") { Description = "CSV file: vertex or graph, class and the probability of each class (default: standard output).", HelpName = "FILE" };
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("predict", "Predict the class of every vertex, or of every graph, with a trained model.") { Model, Out, Where, Threads, Json };
        foreach (Option option in Data.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            Data.Check(result);
            if (result.GetResult(Model) is null)
            {
                result.AddError("--model is missing; give a model folder, RUN/models/NAME.");
            }
            else if (result.GetResult(Out) is not null && result.GetResult(Json) is { Implicit: false })
            {
                result.AddError("--out writes a CSV file and --json prints a document; give one of the two.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed), token));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        Threads.Use(parsed);
        string folder = Folder(parsed.GetValue(Model)!);
        Predicted predicted = RunFolder.Read(folder, "config.json")?["kind"] is JsonValue kind && kind.TryGetValue(out string? word) && word == GraphClassifier.Kind ? OfGraphs(parsed, folder) : OfVertices(parsed, folder);
        foreach (string line in predicted.Notes)
        {
            Console.Error.WriteLine(line);
        }

        int[] classes = [.. predicted.Probabilities.Select(p => Array.IndexOf(p, p.Max()))];
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { dataset = predicted.DataSet, labels = predicted.Labels, vertices = predicted.Vertices, classes, probabilities = predicted.Probabilities, graphs = predicted.Graphs });
        }
        else if (parsed.GetValue(Out) is { } file)
        {
            PartialFile.Write(Path.GetFullPath(file), stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                Write(writer, predicted, classes);
            });
            Console.WriteLine($"{classes.Length} {(predicted.Unit == "graph" ? "graphs" : "vertices")}: {Path.GetFullPath(file)}");
        }
        else
        {
            Write(Console.Out, predicted, classes);
        }

        return ExitCode.Done;
    }

    private static Predicted OfVertices(ParseResult parsed, string folder)
    {
        using NodeClassifier model = NodeClassifier.Load(folder, Where.Read(parsed));
        OwnVertices data = Data.LoadVertices(parsed, model.DataSet);
        return new Predicted("vertex", data.Name, data.Notes, model.Labels, data.VertexNames, data.Graph.VertexCount, 1, model.Predict(data.Graph, data.Features));
    }

    private static Predicted OfGraphs(ParseResult parsed, string folder)
    {
        using GraphClassifier model = GraphClassifier.Load(folder, Where.Read(parsed));
        GraphDataSet data = Data.LoadGraphs(parsed, model.DataSet);
        return new Predicted("graph", data.Name, [data.Summary], model.Labels, null, data.Packed.Graph.VertexCount, data.Count, model.Predict(data.Packed));
    }

    /// <summary>The folder itself, or the only model of a run.</summary>
    private static string Folder(string given)
    {
        string models = Path.Combine(given, "models");
        if (!Directory.Exists(models))
        {
            return given;
        }

        string[] found = [.. Directory.EnumerateDirectories(models).Order(StringComparer.Ordinal)];
        return found.Length == 1 ? found[0] : throw new ArgumentException($"'{given}' holds {found.Length} models ({string.Join(", ", found.Select(Path.GetFileName))}); give one of them, {models}/NAME.");
    }

    private static void Write(TextWriter writer, Predicted predicted, int[] classes)
    {
        writer.WriteLine($"{predicted.Unit},class,{string.Join(',', predicted.Labels.Select(l => Quoted("p_" + l)))}");
        for (int v = 0; v < classes.Length; v++)
        {
            string name = predicted.Names is null ? v.ToString(CultureInfo.InvariantCulture) : Quoted(predicted.Names[v]);
            writer.WriteLine($"{name},{Quoted(predicted.Labels[classes[v]])},{string.Join(',', predicted.Probabilities[v].Select(p => p.ToString("g6", CultureInfo.InvariantCulture)))}");
        }
    }

    private static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    /// <param name="Unit">What has a class: vertex or graph</param>
    /// <param name="DataSet">Its name</param>
    /// <param name="Notes">About the data</param>
    /// <param name="Labels">A name a class</param>
    /// <param name="Names">Of vertices, or null where they are numbers</param>
    /// <param name="Vertices">In all</param>
    /// <param name="Graphs">In all</param>
    /// <param name="Probabilities">A row a vertex or graph</param>
    private sealed record Predicted(string Unit, string DataSet, IReadOnlyList<string> Notes, IReadOnlyList<string> Labels, IReadOnlyList<string>? Names, int Vertices, int Graphs, float[][] Probabilities);
}
