using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Kernels;
using MambaExt.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>A trained node classifier from its model folder: predicts on any graph with the features it was trained on.</summary>
public sealed class NodeClassifier : IDisposable
{
    private const string Kind = "graph-mamba-node";
    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };
    private readonly GraphModel _network;
    private readonly Description _about;
    private readonly Device? _device;

    private NodeClassifier(GraphModel network, Description about, IReadOnlyList<string> labels, Device? device) => (_network, _about, Labels, _device) = (network, about, labels, device);

    /// <summary>A name a class.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>F.</summary>
    public int FeatureCount => _about.features;

    /// <summary>Name of the data set it was trained on.</summary>
    public string DataSet => _about.dataset;

    /// <summary>Feature rows are divided by their sums before they enter.</summary>
    public bool NormalisesFeatures => _about.normalise_features;

    /// <summary>Writes a trained network as a model folder.</summary>
    /// <param name="folder">Made, or overwritten</param>
    /// <param name="network">Trained</param>
    /// <param name="data">What it was trained on</param>
    /// <param name="training">How features were prepared</param>
    /// <param name="run">Which run it comes from</param>
    public static void Save(string folder, GraphModel network, NodeDataSet data, NodeTrainingOptions training, NodeRun run)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, content) in Files(network, data, training, run))
        {
            PartialFile.Write(Path.Combine(folder, name), stream => stream.Write(content));
        }
    }

    /// <summary>The files that <see cref="Save"/> writes, by name.</summary>
    internal static IReadOnlyList<(string Name, byte[] Content)> Files(GraphModel network, NodeDataSet data, NodeTrainingOptions training, NodeRun run)
    {
        var about = new Description(
            Kind, data.Name, data.Variant.ToString().ToLowerInvariant(), data.Features.Columns, data.ClassCount, data.Metric == NodeMetric.RocAuc,
            training.normalise_features, run.seed, run.split, run.val, network.Options);
        return ModelFolder.Files(network, (JsonObject)JsonSerializer.SerializeToNode(about, Json)!, [.. data.ClassNames]);
    }

    /// <summary>Loads a model folder.</summary>
    /// <param name="folder">Written by a training, on whatever device</param>
    /// <param name="device">Where the model predicts; the CPU unless given</param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is of another kind, or damaged.</exception>
    public static NodeClassifier Load(string folder, Device? device = null)
    {
        var (config, labels) = ModelFolder.Read(folder, Kind);
        try
        {
            Description about = config.Deserialize<Description>(Json)!;
            if (about.options is null || about.features is < 1 or > 1 << 24 || about.classes is < 2 or > 1 << 20 || labels.Count != about.classes)
            {
                throw new InvalidDataException($"'{folder}' describes {about.features} features and {about.classes} classes with {labels.Count} names; restore its files.");
            }

            about.options.Validate();
            GraphModel network = about.options.Create(about.features, about.binary ? 1 : about.classes);
            ModelFolder.LoadInto(network, folder);
            network.eval();
            if (device is not null)
            {
                network.to(device);
            }

            return new NodeClassifier(network, about, labels, device);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);
        }
    }

    /// <summary>Probability of each class for each vertex, [V, K] row by row. Walks are drawn with the seed of the training.</summary>
    /// <exception cref="ArgumentException">The features are of another width.</exception>
    public float[][] Predict(CsrGraph graph, NodeFeatures features)
    {
        if (features.Columns != FeatureCount)
        {
            throw new ArgumentException($"The graph has {features.Columns} features a vertex and the model was trained on {FeatureCount}; give the same ones.");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        using var inputs = new GraphInputs(graph, NormalisesFeatures ? features.RowNormalised() : features, (ulong)_about.seed, device: _device);
        Tensor logits = _network.forward(inputs);
        Tensor probabilities = _about.binary ? cat([1 - logits.sigmoid(), logits.sigmoid()], 1) : logits.softmax(1);
        return [.. probabilities.cpu().contiguous().data<float>().ToArray().Chunk(Labels.Count)];
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    private sealed record Description(
        string kind, string dataset, string variant, int features, int classes, bool binary, bool normalise_features, int seed, int split, double val, GraphModelOptions options);
}
