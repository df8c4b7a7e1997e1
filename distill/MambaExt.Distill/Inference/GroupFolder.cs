using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Distill.Students;
using MambaExt.Runs;

namespace MambaExt.Distill.Inference;

/// <summary>Groups of students as model folders.</summary>
public static class GroupFolder
{
    private const int MostStudents = 256;

    /// <summary>Writes a group, over an older one of the same folder.</summary>
    public static void Save(string folder, StudentGroup group, IReadOnlyList<string> classNames) => ModelFolder.Save(folder, group, Describe(group), classNames);

    /// <summary>The files that <see cref="Save"/> writes, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> Files(StudentGroup group, IReadOnlyList<string> classNames) => ModelFolder.Files(group, Describe(group), classNames);

    /// <summary>A group in evaluation mode and a name a class.</summary>
    /// <param name="folder">Written by a training</param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is of another kind, or damaged.</exception>
    public static (StudentGroup Group, IReadOnlyList<string> ClassNames) Load(string folder)
    {
        var (config, labels) = ModelFolder.Read(folder, GroupDescription.Kind);
        try
        {
            GroupDescription about = config.Deserialize<GroupDescription>()!;
            if (about.students is not { Count: > 0 and <= MostStudents } || about.students.Any(s => s is null || s.classes != labels.Count))
            {
                throw new InvalidDataException($"'{folder}' describes {about.students?.Count ?? 0} students of other classes than its {labels.Count} names; restore its files.");
            }

            about.Validate();
            ParameterFile.Require(folder, about.students);
            var group = new StudentGroup(about);
            ModelFolder.LoadInto(group, folder);
            group.eval();
            return (group, labels);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);
        }
    }

    /// <summary>A single classifier as a group of one, its weights copied.</summary>
    /// <param name="model">Trained</param>
    /// <param name="normalization">What its images went through; null for images as they are</param>
    /// <exception cref="ArgumentException">Its head reads another student's feature, or the normalization has other channels.</exception>
    public static StudentGroup OfOne(PatchMamba model, ImageNormalization? normalization = null)
    {
        int channels = model.Options.channels;
        var group = new StudentGroup(new GroupDescription(
            GroupDescription.Kind, "", "", "single", [model.Options], [[1]],
            normalization is null ? Enumerable.Repeat(0f, channels).ToArray() : [.. normalization.Mean], normalization is null ? Enumerable.Repeat(1f, channels).ToArray() : [.. normalization.Deviation]));
        group.CopyFrom([model]);
        return group;
    }

    private static JsonObject Describe(StudentGroup group) => (JsonObject)JsonSerializer.SerializeToNode(group.About)!;
}
