using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data;
using MambaExt.Fscil.Recipes;
using MambaExt.Kernels;
using MambaExt.Runs;

namespace MambaExt.Fscil.Experiments;

/// <summary>
/// What a backbone was trained on and how, kept beside it: another run may take the backbone only where all of it is the same. One that has seen classes that are
/// novel here, or was chosen by the test images, would spoil every number behind it.
/// </summary>
/// <param name="dataset">Name of the data set</param>
/// <param name="files">Hashes of the files that were read, lists included</param>
/// <param name="classes">Names of the base classes, in their order</param>
/// <param name="images">SHA-256 of the names and classes of the base training images</param>
/// <param name="seed">Of weights, orders and augmentation</param>
/// <param name="max_classes">Columns of the simplex; 0 under a cosine head, which has none</param>
/// <param name="backbone">Which backbone, whatever is looked at of it later: its levels change nothing of it</param>
/// <param name="training">How it was trained and chosen</param>
public sealed record BaseDescription(
    string dataset, IReadOnlyList<string> files, IReadOnlyList<string> classes, string images, int seed, int max_classes, BackboneOptions backbone, BaseTraining training)
{
    private const string FileName = "about.json";

    /// <summary>Of the backbone that a run would train itself.</summary>
    public static BaseDescription Of(FscilData data, FscilRecipe recipe, int maxClasses, int seed)
    {
        var images = new StringBuilder();
        foreach (int i in data.Protocol.Sessions[0].Train)
        {
            images.Append(data.Train.Name(i)).Append('\t').Append(data.TrainClass(i)).Append('\n');
        }

        return new BaseDescription(
            data.Name, [.. data.Files.Select(f => f.Sha256)], [.. data.ClassNames.Take(data.Protocol.BaseClasses)],
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(images.ToString()))), seed, recipe.training.head == "cosine" ? 0 : maxClasses,
            recipe.backbone with { levels = [], level_grids = [] }, recipe.training);
    }

    /// <summary>Where it lies beside a backbone.</summary>
    /// <param name="backbone">Path of the backbone</param>
    public static string PathBeside(string backbone) => Path.Combine(Path.GetDirectoryName(backbone)!, FileName).Replace('\\', '/');

    /// <summary>The file's content.</summary>
    public byte[] Content() => JsonSerializer.SerializeToUtf8Bytes(this);

    /// <summary>Throws unless the backbone at <paramref name="path"/> is one of this description.</summary>
    /// <exception cref="ArgumentException">It was trained on something else, or otherwise; the first difference is named.</exception>
    /// <exception cref="InvalidDataException">It does not say what it was trained on.</exception>
    public void RequireOf(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        JsonObject given = RunFolder.Read(folder, FileName)
            ?? throw new InvalidDataException($"The backbone in '{folder}' does not say what it was trained on ({FileName} is missing); let it be trained anew.");
        if (Difference(given, JsonSerializer.SerializeToNode(this), "") is { } found)
        {
            throw new ArgumentException($"The backbone in '{folder}' was trained with other {found}; give the folder of a run on the same data, classes and seeds with the same recipe, or let it be trained.");
        }
    }

    /// <summary>The first value that differs, by its name, with both values where they are short; null where all are the same.</summary>
    private static string? Difference(JsonNode? given, JsonNode? own, string name)
    {
        if (given is JsonObject one && own is JsonObject other)
        {
            return other.Select(p => p.Key).Concat(one.Select(p => p.Key)).Distinct()
                .Select(key => Difference(one[key], other[key], name.Length == 0 ? key : $"{name}.{key}")).FirstOrDefault(found => found is not null);
        }

        return JsonNode.DeepEquals(given, own) ? null : $"{name} ({BadFile.Quote(given?.ToJsonString() ?? "null")} there, {BadFile.Quote(own?.ToJsonString() ?? "null")} here)";
    }
}
