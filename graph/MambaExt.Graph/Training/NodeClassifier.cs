using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>A trained node classifier from its model folder: predicts on any graph with the features it was trained on.</summary>
public sealed class NodeClassifier : IDisposable
{
    private const string Kind = "graph-mamba-node";
    private readonly GraphModel _network;
    private readonly ClassifierDescription _about;
    private readonly Device? _device;

    private NodeClassifier(GraphModel network, ClassifierDescription about, IReadOnlyList<string> labels, Device? device) => (_network, _about, Labels, _device) = (network, about, labels, device);

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
        var about = new ClassifierDescription(
            Kind, data.Name, data.Variant.ToString().ToLowerInvariant(), data.Features.Columns, data.ClassCount, Labelling.Of(data).Binary,
            training.normalise_features, run.seed, run.split, run.val, network.Options,
            network.Options.label_inputs > 0 ? LabelInputs.Known(data.Labels, data.Splits[run.split].Train) : null)
        {
            part_vertices = training.parts == 1 ? 0 : (double)data.Graph.VertexCount / training.parts,
        };
        return ClassifierFolder.Files(network, about, data.ClassNames);
    }

    /// <summary>Loads a model folder.</summary>
    /// <param name="folder">Written by a training, on whatever device</param>
    /// <param name="device">Where the model predicts; the CPU unless given</param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is of another kind, or damaged.</exception>
    public static NodeClassifier Load(string folder, Device? device = null)
    {
        var (network, about, labels) = ClassifierFolder.Load(folder, Kind, device);
        return new NodeClassifier(network, about, labels, device);
    }

    /// <summary>Probability of each class for each vertex, [V, K] row by row. Walks are drawn with the seed of the training; a model that was trained on parts
    /// of a graph sees this one in parts of about that size.</summary>
    /// <exception cref="ArgumentException">The features are of another width, or the model reads the labels of its training vertices and the graph has
    /// another number of vertices.</exception>
    public float[][] Predict(CsrGraph graph, NodeFeatures features)
    {
        if (features.Columns != FeatureCount)
        {
            throw new ArgumentException($"The graph has {features.Columns} features a vertex and the model was trained on {FeatureCount}; give the same ones.");
        }

        if (_about.known_labels is { } known && known.Length != graph.VertexCount)
        {
            throw new ArgumentException($"The model reads the labels of its training vertices and so knows one graph, of {known.Length} vertices; the one given has {graph.VertexCount}; give that one, or train with label_inputs 0 for a model of any graph.");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        int parts = _about.part_vertices > 0 ? (int)Math.Clamp(Math.Round(graph.VertexCount / _about.part_vertices), 1, Math.Max(1, graph.VertexCount)) : 1;
        using var inputs = new GraphParts(graph, NormalisesFeatures ? features.RowNormalised() : features, parts, (ulong)_about.seed, _device);
        using Tensor? labels = _about.known_labels is null ? null : LabelInputs.OneHot(_about.known_labels, _about.classes, _device);
        inputs.Inputs[0].KnownLabels = labels;
        return ClassifierFolder.Probabilities(inputs.Logits(_network), _about);
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();
}
