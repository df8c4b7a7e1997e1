using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Runs;

namespace MambaExt.Distill.Training;

/// <summary>Teachers of another run. They must have been trained on the images that this run trains on and on no others: what this run holds out, they have not seen either.</summary>
public static class TeacherSource
{
    /// <summary>Checks the run that <see cref="DistillRecipe.teacher_from"/> names against a task; nothing where it names none.</summary>
    /// <param name="task">Data and recipe</param>
    /// <param name="seeds">Whose teachers are needed</param>
    /// <exception cref="DirectoryNotFoundException">It is no run, or lacks a teacher.</exception>
    /// <exception cref="ArgumentException">Its teachers are of other data, other training images or another kind.</exception>
    public static void Require(DistillTask task, IEnumerable<int> seeds)
    {
        if (task.Recipe.teacher_from is not { } folder)
        {
            return;
        }

        if (RunFolder.Read(folder, "config.json") is not { } config)
        {
            throw new DirectoryNotFoundException($"teacher_from names '{folder}', which holds no run; give the folder of a finished distill run.");
        }

        foreach (var (what, there, here) in Facts(config, task))
        {
            if (there != here)
            {
                throw new ArgumentException($"The teachers of '{folder}' cannot be taken: their {what} is {Short(there)} and this run has {Short(here)}; take a run of the same data, held-out share and teacher, or train new ones.");
            }
        }

        if (seeds.FirstOrDefault(seed => !File.Exists(Path.Combine(folder, "models", new DistillKey(seed, DistillKey.Teacher).Folder, "config.json")), -1) is var lacking and >= 0)
        {
            throw new DirectoryNotFoundException($"teacher_from names '{folder}', which holds no teacher of seed {lacking}; give the run that trained the teachers of these seeds.");
        }
    }

    /// <summary>What must agree. The hash of the image numbers is compared where the other run has written one.</summary>
    private static IEnumerable<(string What, string There, string Here)> Facts(JsonObject config, DistillTask task)
    {
        DistillRecipe recipe = task.Recipe;
        JsonObject? images = config["images"] as JsonObject, theirs = config["recipe"] as JsonObject, options = theirs?["teacher_options"] as JsonObject;
        yield return ("dataset", Word(config["dataset"]), task.Data.Name);
        yield return ("set of files", string.Join(' ', (config["files"] as JsonArray ?? []).Select(f => Word((f as JsonObject)?["Sha256"]))), string.Join(' ', task.Data.Files.Select(f => f.Sha256)));
        yield return ("list of classes", string.Join(", ", (config["classes"] as JsonArray ?? []).Select(Word)), string.Join(", ", task.Data.ClassNames));
        yield return ("number of training images", Word(images?["train"]), $"{task.Train.Count}");
        yield return ("number of held-out images", Word(images?["held_out"]), $"{task.HeldOut.Count}");
        yield return ("normalization", Word(images?["normalization"]), task.Normalization.ToString()!);
        if (images?["trained"] is { } trained)
        {
            yield return ("choice of training images", Word(trained), task.TrainedImages);
        }

        yield return ("kind", Word(theirs?["teacher"]), recipe.teacher);
        yield return ("image size", $"{Word(options?["height"])} x {Word(options?["width"])}", $"{recipe.teacher_options.height} x {recipe.teacher_options.width}");
        if (recipe.teacher == "resnet")
        {
            yield return ("network", theirs?["resnet"]?.ToJsonString() ?? "", JsonSerializer.SerializeToNode(recipe.resnet)!.ToJsonString());
        }
    }

    private static string Word(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : node?.ToJsonString() ?? "";

    private static string Short(string text) => text.Length == 0 ? "not known" : text.Length <= 80 ? text : text[..77] + "...";
}
