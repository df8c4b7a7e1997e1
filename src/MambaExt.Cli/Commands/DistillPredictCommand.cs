using System.CommandLine;
using System.Globalization;
using System.Text;
using MambaExt.Data.Images;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Stages;
using MambaExt.Kernels;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext distill predict</c>: classes of images by a trained group, with as much work as asked for.</summary>
internal static class DistillPredictCommand
{
    private const int Piece = 64;
    private static readonly Option<string?> Model = CommonOptions.Folder("--model", "Required: a run folder, its models/group, or the folder of one Mamba classifier (models/seed-0/teacher).");
    private static readonly DistillDataOptions Data = new();
    private static readonly Option<int> Students = CommonOptions.Number("--prefix", "T", "Answer with the first T students (default: all).", 1, 256);
    private static readonly Option<double> Budget = CommonOptions.Value<double>("--budget", "Answer with the students that cost at most so many FLOPs an image.");
    private static readonly Option<double> Deadline = CommonOptions.Value<double>("--deadline_us", "Answer with the students that are ready in so many microseconds, a batch of one image at a time.");
    private static readonly Option<double> Exit = CommonOptions.Value<double>("--early_exit", "Answer as soon as the confidence reaches this; 0: the thresholds that the group was calibrated with.");
    private static readonly Option<string?> Out = new("--out") { Description = "CSV file: image, class, students and the probability of each class (default: standard output).", HelpName = "FILE" };
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("predict", "Predict the classes of a data set's test images with a trained group, at any budget.") { Model, Students, Budget, Deadline, Exit, Out, Threads, Json };
        foreach (Option option in Data.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            Data.Check(result);
            Option[] given = [.. new Option[] { Students, Budget, Deadline, Exit }.Where(o => result.GetResult(o) is { Implicit: false })];
            if (result.GetResult(Model) is null)
            {
                result.AddError("--model is missing; give a run folder, or its models/group.");
            }
            else if (given.Length > 1)
            {
                result.AddError($"{string.Join(" and ", given.Select(o => o.Name))} were given; give one budget.");
            }
            else if (result.GetResult(Out) is not null && result.GetResult(Json) is { Implicit: false })
            {
                result.AddError("--out writes a CSV file and --json prints a document; give one of the two.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        Threads.Use(parsed);
        (StudentGroup group, IReadOnlyList<string> labels) = DistillModels.Load(parsed.GetValue(Model)!, forImages: true);
        using StudentGroup owned = group;
        ImageDataSet data = Data.Load(parsed);
        var about = group.About.students[0];
        if (data.Channels != about.channels)
        {
            throw new ArgumentException($"The images of {data.Name} have {data.Channels} channels and the model was trained on {about.channels}; give images of the same kind.");
        }

        var size = new ImageSize(about.height, about.width);

        Console.Error.WriteLine(data.Summary);
        var normalization = new ImageNormalization([.. group.About.mean], [.. group.About.deviation]);
        var views = new ImageViews(data.Test, new ImagePipeline(data.Size == size ? [] : [new ResizeTo(size)], normalization));
        int piece = parsed.GetResult(Deadline) is { Implicit: false } ? 1 : Piece;
        float[] logits = new float[data.Test.Count * labels.Count];
        int[] students = new int[data.Test.Count];
        for (int first = 0; first < data.Test.Count; first += piece)
        {
            token.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            int[] indices = [.. Enumerable.Range(first, Math.Min(piece, data.Test.Count - first))];
            (Tensor answer, int[] used) = Answer(parsed, group, views.Batch(indices).Pixels);
            answer.data<float>().ToArray().CopyTo(logits.AsSpan(first * labels.Count));
            used.CopyTo(students, first);
        }

        double meanFlops = students.Average(t => group.Flops[t - 1]);
        Scores scores = Scores.Of(logits, data.Test.Labels);
        int[] classes = Scores.Classes(logits, labels.Count);
        float[][] probabilities = [.. Softmax(logits, labels.Count)];
        Console.Error.WriteLine(FormattableString.Invariant($"accuracy {scores.accuracy:f2} % with a mean of {meanFlops:n0} FLOPs an image"));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { dataset = data.Name, labels, classes, students, probabilities, accuracy = scores.accuracy, mean_flops = meanFlops });
        }
        else if (parsed.GetValue(Out) is { } file)
        {
            PartialFile.Write(Path.GetFullPath(file), stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
                Write(writer, labels, classes, students, probabilities);
            });
            Console.WriteLine($"{classes.Length} images: {Path.GetFullPath(file)}");
        }
        else
        {
            Write(Console.Out, labels, classes, students, probabilities);
        }

        return ExitCode.Done;
    }

    private static (Tensor Logits, int[] Students) Answer(ParseResult parsed, StudentGroup group, Tensor images)
    {
        int count = (int)images.shape[0];
        if (parsed.GetResult(Exit) is { Implicit: false })
        {
            double theta = parsed.GetValue(Exit);
            EarlyExitAnswer exit = EarlyExit.Run(group, images, theta > 0 ? [.. Enumerable.Repeat(theta, group.Count)] : null);
            return (exit.Logits, exit.Students);
        }

        PrefixAnswer answer = parsed.GetResult(Budget) is { Implicit: false } ? group.PredictWithin(images, (long)parsed.GetValue(Budget))
            : parsed.GetResult(Deadline) is { Implicit: false } ? group.PredictBefore(images, TimeSpan.FromMicroseconds(parsed.GetValue(Deadline)))
            : Prefix(group, images, parsed.GetResult(Students) is { Implicit: false } ? parsed.GetValue(Students) : group.Count);
        return (answer.Logits, [.. Enumerable.Repeat(answer.Students, count)]);
    }

    private static PrefixAnswer Prefix(StudentGroup group, Tensor images, int count) => new(count, group.Predict(images, count), group.Flops[count - 1]);

    private static IEnumerable<float[]> Softmax(float[] logits, int classes)
    {
        for (int i = 0; i < logits.Length; i += classes)
        {
            float[] row = logits[i..(i + classes)];
            float most = row.Max();
            double sum = row.Sum(z => Math.Exp(z - most));
            yield return [.. row.Select(z => (float)(Math.Exp(z - most) / sum))];
        }
    }

    private static void Write(TextWriter writer, IReadOnlyList<string> labels, int[] classes, int[] students, float[][] probabilities)
    {
        writer.WriteLine($"image,class,students,{string.Join(',', labels.Select(l => Quoted("p_" + l)))}");
        for (int i = 0; i < classes.Length; i++)
        {
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{i},{Quoted(labels[classes[i]])},{students[i]},{string.Join(',', probabilities[i].Select(p => p.ToString("g6", CultureInfo.InvariantCulture)))}"));
        }
    }

    private static string Quoted(string word) => word.AsSpan().IndexOfAny(",\"\n\r") < 0 ? word : $"\"{word.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
