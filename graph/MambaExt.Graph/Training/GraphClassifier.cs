using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>A trained classifier of whole graphs from its model folder: predicts on any graphs with the features it was trained on.</summary>
public sealed class GraphClassifier : IDisposable
{
    /// <summary>What <c>kind</c> in the folder's config is.</summary>
    public const string Kind = "graph-mamba-graph";

    // As many vertices are packed into a batch, or one graph that has more.
    private const int BatchVertices = 1 << 14;
    private readonly GraphModel _network;
    private readonly ClassifierDescription _about;
    private readonly Device? _device;

    private GraphClassifier(GraphModel network, ClassifierDescription about, IReadOnlyList<string> labels, Device? device) => (_network, _about, Labels, _device) = (network, about, labels, device);

    /// <summary>A name a class.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>F.</summary>
    public int FeatureCount => _about.features;

    /// <summary>Name of the data set it was trained on.</summary>
    public string DataSet => _about.dataset;

    /// <summary>Loads a model folder.</summary>
    /// <param name="folder">Written by a training, on whatever device</param>
    /// <param name="device">Where the model predicts; the CPU unless given</param>
    /// <exception cref="DirectoryNotFoundException">It is no model folder.</exception>
    /// <exception cref="InvalidDataException">It is of another kind, or damaged.</exception>
    public static GraphClassifier Load(string folder, Device? device = null)
    {
        var (network, about, labels) = ClassifierFolder.Load(folder, Kind, device);
        return new GraphClassifier(network, about, labels, device);
    }

    /// <summary>Probability of each class for each graph, [G, K] row by row. Walks are drawn with the seed of the training.</summary>
    /// <exception cref="ArgumentException">The features are of another width.</exception>
    public float[][] Predict(PackedGraphs graphs)
    {
        if (graphs.Features.Columns != FeatureCount)
        {
            throw new ArgumentException($"The graphs have {graphs.Features.Columns} features a vertex and the model was trained on {FeatureCount}; give the same ones.");
        }

        using IDisposable _ = no_grad();
        var rows = new List<float[]>();
        while (rows.Count < graphs.Count)
        {
            using DisposeScope scope = NewDisposeScope();
            int first = rows.Count, end = first + 1;
            while (end < graphs.Count && graphs.Offsets[end + 1] - graphs.Offsets[first] <= BatchVertices)
            {
                end++;
            }

            PackedGraphs batch = graphs.Select([.. Enumerable.Range(first, end - first)]);
            int[] keys = [.. Enumerable.Range(graphs.Offsets[first], batch.Graph.VertexCount)];
            NodeFeatures features = _about.normalise_features ? batch.Features.RowNormalised() : batch.Features;
            using var inputs = new GraphInputs(batch.Graph, features, (ulong)_about.seed, keys, batch.GraphOfVertex(), device: _device);
            rows.AddRange(ClassifierFolder.Probabilities(_network.forward(inputs), _about));
        }

        return [.. rows];
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    /// <summary>The files of a model folder, by name.</summary>
    internal static IReadOnlyList<(string Name, byte[] Content)> Files(GraphModel network, GraphDataSet data, NodeTrainingOptions training, NodeRun run) => ClassifierFolder.Files(
        network,
        new ClassifierDescription(
            Kind, data.Name, data.Variant.ToString().ToLowerInvariant(), data.Packed.Features.Columns, data.ClassCount, Labelling.Of(data).Binary,
            training.normalise_features, run.seed, run.split, run.val, network.Options),
        data.ClassNames);
}
