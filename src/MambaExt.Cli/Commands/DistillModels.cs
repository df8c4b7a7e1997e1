using MambaExt.Data.Images;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using MambaExt.Distill.Training;
using MambaExt.Runs;

namespace MambaExt.Cli.Commands;

/// <summary>Finds the models of distill runs.</summary>
internal static class DistillModels
{
    /// <summary>The folder itself, or the group of a run.</summary>
    public static string Folder(string given)
    {
        string group = Path.Combine(given, "models", "group");
        return Directory.Exists(group) ? group : given;
    }

    /// <summary>A group, or one Mamba classifier as a group of one.</summary>
    /// <param name="given">Model folder, or run folder</param>
    /// <param name="forImages">Images will be asked about: the folder must say how they are normalized</param>
    public static (StudentGroup Group, IReadOnlyList<string> Labels) Load(string given, bool forImages = false)
    {
        string folder = Folder(given);
        if (Kind(folder) != ClassifierFiles.MambaKind)
        {
            return GroupFolder.Load(folder);
        }

        (_, IReadOnlyList<string> labels) = ModelFolder.Read(folder, ClassifierFiles.MambaKind);
        using PatchMamba model = ClassifierFiles.LoadMamba(folder);
        ImageNormalization? normalization = ClassifierFiles.NormalizationOf(folder);
        return normalization is not null || !forImages
            ? (GroupFolder.OfOne(model, normalization), labels)
            : throw new InvalidDataException($"The config.json of '{folder}' does not say how images are normalized (mean, deviation), so nothing can be predicted; train the model anew, or give the run's models/group.");
    }

    private static string? Kind(string folder) => RunFolder.Read(folder, "config.json")?["kind"] is System.Text.Json.Nodes.JsonValue kind && kind.TryGetValue(out string? word) ? word : null;
}
