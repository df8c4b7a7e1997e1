using System.CommandLine;
using System.Globalization;
using System.Text;
using MambaExt.Graph.DataSets.Own;
using MambaExt.Graph.Training;
using MambaExt.Kernels;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext graph predict</c>: classes of vertices by a trained model.</summary>
internal static class GraphPredictCommand
{
    private static readonly Option<string?> Model = CommonOptions.Folder("--model", "Required: a model folder (RUN/models/NAME), or a run folder that holds one model.");
    private static readonly GraphDataOptions Data = new(training: false);
    private static readonly Option<string?> Out = new("--out") { Description = "CSV file: vertex, class and the probability of each class (default: standard output).", HelpName = "FILE" };
    private static readonly Option<string> Where = DeviceOption.Create();
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("predict", "Predict the class of every vertex with a trained model.") { Model, Out, Where, Threads, Json };
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
        using NodeClassifier model = NodeClassifier.Load(Folder(parsed.GetValue(Model)!), Where.Read(parsed));
        OwnVertices data = Data.LoadVertices(parsed, model.DataSet);
        foreach (string line in data.Notes)
        {
            Console.Error.WriteLine(line);
        }

        float[][] probabilities = model.Predict(data.Graph, data.Features);
        int[] classes = [.. probabilities.Select(p => Array.IndexOf(p, p.Max()))];
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { dataset = data.Name, labels = model.Labels, vertices = classes.Length, classes, probabilities });
        }
        else if (parsed.GetValue(Out) is { } file)
        {
            PartialFile.Write(Path.GetFullPath(file), stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                Write(writer, model.Labels, data.VertexNames, classes, probabilities);
            });
            Console.WriteLine($"{classes.Length} vertices: {Path.GetFullPath(file)}");
        }
        else
        {
            Write(Console.Out, model.Labels, data.VertexNames, classes, probabilities);
        }

        return ExitCode.Done;
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

    private static void Write(TextWriter writer, IReadOnlyList<string> labels, IReadOnlyList<string>? names, int[] classes, float[][] probabilities)
    {
        writer.WriteLine($"vertex,class,{string.Join(',', labels.Select(l => Quoted("p_" + l)))}");
        for (int v = 0; v < classes.Length; v++)
        {
            writer.WriteLine($"{(names is null ? v.ToString(CultureInfo.InvariantCulture) : Quoted(names[v]))},{Quoted(labels[classes[v]])},{string.Join(',', probabilities[v].Select(p => p.ToString("g6", CultureInfo.InvariantCulture)))}");
        }
    }

    private static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
