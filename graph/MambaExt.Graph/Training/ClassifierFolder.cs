using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MambaExt.Graph.Models;
using MambaExt.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>What the model folder of a classifier of vertices or graphs says of it; <paramref name="known_labels"/> are the classes of the training vertices, -1
/// for all others, where the model reads them, [V].</summary>
internal sealed record ClassifierDescription(
    string kind, string dataset, string variant, int features, int classes, bool binary, bool normalise_features, int seed, int split, double val, GraphModelOptions options, int[]? known_labels = null)
{
    /// <summary>Vertices of a part, in the mean, where the model was trained on parts of a graph and so sees no more at once; 0 for all.</summary>
    public double part_vertices { get; init; }
}

/// <summary>Writes and reads the model folders of classifiers.</summary>
internal static class ClassifierFolder
{
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    /// <summary>The files of a folder, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> Files(GraphModel network, ClassifierDescription about, IReadOnlyList<string> classNames) =>
        ModelFolder.Files(network, (JsonObject)JsonSerializer.SerializeToNode(about, Json)!, [.. classNames]);

    /// <summary>The network of a folder in evaluation mode, its description and a name a class.</summary>
    /// <param name="folder">Written by a training, on whatever device</param>
    /// <param name="kind">What it must be</param>
    /// <param name="device">Where the model predicts; the CPU unless given</param>
    public static (GraphModel Network, ClassifierDescription About, IReadOnlyList<string> Labels) Load(string folder, string kind, Device? device)
    {
        var (config, labels) = ModelFolder.Read(folder, kind);
        try
        {
            ClassifierDescription about = config.Deserialize<ClassifierDescription>(Json)!;
            if (about.options is null || about.features is < 1 or > 1 << 24 || about.classes is < 2 or > 1 << 20 || about.part_vertices is not (>= 0 and < int.MaxValue) || labels.Count != about.classes)
            {
                throw new InvalidDataException($"'{folder}' describes {about.features} features and {about.classes} classes with {labels.Count} names; restore its files.");
            }

            about.options.Validate();
            if ((about.known_labels is null) == (about.options.label_inputs > 0) || about.known_labels?.All(k => k >= -1 && k < about.classes) == false)
            {
                throw new InvalidDataException($"'{folder}' describes a model that reads labels without naming them, or names some that are none of its {about.classes} classes; restore its files.");
            }

            GraphModel network = about.options.Create(about.features, about.binary ? 1 : about.classes);
            ModelFolder.LoadInto(network, folder);
            network.eval();
            if (device is not null)
            {
                network.to(device);
            }

            return (network, about, labels);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);
        }
    }

    /// <summary>Probability of each class, a row each, from logits [n, K] or [n, 1].</summary>
    public static float[][] Probabilities(Tensor logits, ClassifierDescription about)
    {
        Tensor probabilities = about.binary ? cat([1 - logits.sigmoid(), logits.sigmoid()], 1) : logits.softmax(1);
        return [.. probabilities.cpu().contiguous().data<float>().ToArray().Chunk(about.classes)];
    }
}
