using System.CommandLine;
using MambaExt.Data.Images;
using MambaExt.Fscil;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext fscil predict</c>: classes of image files by a trained model, which may learn new classes first.</summary>
internal static class FscilPredictCommand
{
    private static readonly Argument<string> Model = new("model") { Description = "A model folder (RUN/models/NAME).", HelpName = "MODEL" };
    private static readonly Argument<string[]> Images = new("images") { Description = "JPEG or PNG files.", HelpName = "IMAGE", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Add = CommonOptions.Folder("--add", "Learn new classes first: a folder with a few images of each in a subfolder of its name.");
    private static readonly Option<string?> Save = CommonOptions.Folder("--save", "With --add: where the model with the new classes is written.");
    private static readonly Option<int> Seed = CommonOptions.Number("--seed", "N", "With --add: of orders and mixing (default: 0).", 0, int.MaxValue);
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("predict", "Predict the class of image files with a trained model; with --add it learns new classes from a few images first.") { Model, Images, Add, Save, Seed, Threads, Json };
        command.Validators.Add(result =>
        {
            bool adds = result.GetResult(Add) is not null;
            if (!adds && (result.GetResult(Save) is not null || result.GetResult(Seed) is { Implicit: false }))
            {
                result.AddError($"{(result.GetResult(Save) is not null ? Save.Name : Seed.Name)} belongs to new classes; give --add DIR too.");
            }
            else if (!adds && result.GetResult(Images) is null or { Tokens.Count: 0 })
            {
                result.AddError("No image was named; give JPEG or PNG files behind the model's folder.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        Threads.Use(parsed);
        using FscilClassifier model = FscilClassifier.Load(parsed.GetValue(Model)!);
        string[] added = [];
        if (parsed.GetValue(Add) is { } folder)
        {
            ImageSamples shots = FscilImages.NewClasses(folder, model.Channels, out added);
            model.Add(shots, added, parsed.GetValue(Seed), token);
            if (parsed.GetValue(Save) is { } save)
            {
                model.Save(save);
            }

            Console.Error.WriteLine($"Learned {string.Join(", ", added)}: {model.Labels.Count} classes of at most {model.MaxClasses}{(parsed.GetValue(Save) is { } to ? $", in {to}" : "")}");
        }

        string[] files = parsed.GetValue(Images) ?? [];
        float[][] scores = files.Length == 0 ? [] : model.Scores(FscilImages.Files(files, model.Channels));
        int[] classes = [.. scores.Select(row => Array.IndexOf(row, row.Max()))];
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { model = model.Method, dataset = model.DataSet, labels = model.Labels, added, images = files.Select((file, i) => new { file, label = model.Labels[classes[i]], score = scores[i][classes[i]] }) });
        }
        else
        {
            for (int i = 0; i < files.Length; i++)
            {
                Console.WriteLine($"{files[i]}\t{model.Labels[classes[i]]}\t{scores[i][classes[i]]:f4}");
            }
        }

        return ExitCode.Done;
    }
}
