using System.Globalization;
using MambaExt.Data;
using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets;

/// <summary>A graph whose vertices are to be classified: everything a run needs, checked once.</summary>
public sealed class NodeDataSet
{
    private IReadOnlyList<string>? _classNames;

    /// <summary>Checks the parts against one another; throws <see cref="InvalidDataException"/> with one sentence.</summary>
    /// <param name="name">Name in the registry and in results.</param>
    /// <param name="graph">V vertices.</param>
    /// <param name="features">[V, F].</param>
    /// <param name="labels">Class of each vertex, 0 ... K - 1, or -1 for none, [V].</param>
    /// <param name="classCount">K.</param>
    /// <param name="splits">At least one.</param>
    /// <param name="metric">The score of this data set.</param>
    /// <param name="variant">How far this is the published data set.</param>
    /// <param name="files">What it was read from.</param>
    public NodeDataSet(
        string name, CsrGraph graph, NodeFeatures features, int[] labels, int classCount, IReadOnlyList<NodeSplit> splits, NodeMetric metric,
        DataVariant variant, IReadOnlyList<DataSetFile> files)
    {
        (Name, Graph, Features, Labels, ClassCount, Metric, Variant, Files) = (name, graph, features, labels, classCount, metric, variant, files);
        NodeDataSetCheck.Labels(this);
        Splits = [.. splits.Select((split, index) => NodeDataSetCheck.Split(this, split, index))];
        if (Splits.Count == 0)
        {
            throw new InvalidDataException($"The data set {name} has no split; at least one is needed.");
        }
    }

    private NodeDataSet(NodeDataSet from, NodeFeatures features, IReadOnlyList<string> transforms)
    {
        (Name, Graph, Features, Labels, ClassCount, Metric, Variant, Files, Splits) =
            (from.Name, from.Graph, features, from.Labels, from.ClassCount, from.Metric, from.Variant, from.Files, from.Splits);
        (SplitKind, Notes, VertexNames, _classNames) = (from.SplitKind, from.Notes, from.VertexNames, from._classNames);
        Transforms = transforms;
    }

    /// <summary>Name in the registry and in results.</summary>
    public string Name { get; }

    /// <summary>V vertices.</summary>
    public CsrGraph Graph { get; }

    /// <summary>Vertex features, [V, F].</summary>
    public NodeFeatures Features { get; }

    /// <summary>Class of each vertex, or -1 for none, [V].</summary>
    public int[] Labels { get; }

    /// <summary>Classes, K.</summary>
    public int ClassCount { get; }

    /// <summary>Train, validation and test vertices; runs take them in turn.</summary>
    public IReadOnlyList<NodeSplit> Splits { get; }

    /// <summary>The score that this data set is judged by.</summary>
    public NodeMetric Metric { get; }

    /// <summary>How far this is the published data set.</summary>
    public DataVariant Variant { get; }

    /// <summary>True where every file has the published hash.</summary>
    public bool IsOfficial => Variant == DataVariant.Official;

    /// <summary>What the data set was read from.</summary>
    public IReadOnlyList<DataSetFile> Files { get; }

    /// <summary>What was done to the features since they were read, in order.</summary>
    public IReadOnlyList<string> Transforms { get; private init; } = [];

    /// <summary>Where the splits come from, in a word: <c>own</c>, <c>random</c> or <c>geom-gcn</c>.</summary>
    public string SplitKind { get; init; } = "own";

    /// <summary>A name a class; their numbers, where nobody has named them.</summary>
    /// <exception cref="InvalidDataException">Not one name a class.</exception>
    public IReadOnlyList<string> ClassNames
    {
        get => _classNames ?? [.. Enumerable.Range(0, ClassCount).Select(k => k.ToString(CultureInfo.InvariantCulture))];
        init => _classNames = value.Count == ClassCount
            ? value
            : throw new InvalidDataException($"The data set {Name} has {ClassCount} classes and {value.Count} names for them; give one a class.");
    }

    /// <summary>A name a vertex, or null where vertices are numbers.</summary>
    public IReadOnlyList<string>? VertexNames { get; init; }

    /// <summary>What was found in the files and how it was handled, a sentence part each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Lines for a log: the summary, how the graph was put together, the notes.</summary>
    public IReadOnlyList<string> Report => [Summary, $"graph: {Graph.Summary}", .. Notes];

    /// <summary>One line for a log or a report.</summary>
    public string Summary
    {
        get
        {
            NodeSplit first = Splits[0];
            string features = Features.Sparse is null
                ? Invariant($"{Features.Columns:N0} dense features")
                : Invariant($"{Features.Columns:N0} sparse features ({Features.NonZeroCount:N0} not zero)");
            string sizes = Invariant($"{first.Train.Length:N0} / {first.Validation.Length:N0} / {first.Test.Length:N0}");
            string kind = SplitKind == "own" ? "" : SplitKind + " ";
            string splits = Splits.Count == 1 ? $"1 {kind}split of {sizes}" : $"{Splits.Count} {kind}splits, the first of {sizes}";
            return Invariant($"{Name}, {Variant.ToString().ToLowerInvariant()}: {Graph.VertexCount:N0} vertices, {Graph.EdgeCount:N0} edges, ")
                + $"{string.Join(", ", [features, .. Transforms])}, {ClassCount} classes, {splits}, {(Metric == NodeMetric.RocAuc ? "ROC AUC" : "accuracy")}";
        }
    }

    /// <summary>The same data set with each feature row divided by the sum of its absolute values.</summary>
    public NodeDataSet WithRowNormalisedFeatures() => new(this, Features.RowNormalised(), [.. Transforms, "rows normalised"]);

    /// <summary>The same data set with a name a class.</summary>
    public NodeDataSet WithClassNames(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return new NodeDataSet(this, Features, Transforms) { ClassNames = names };
    }

    /// <summary>The same data set with other splits.</summary>
    /// <param name="splits">At least one.</param>
    /// <param name="kind">Where they come from, in a word.</param>
    /// <param name="note">More about them.</param>
    public NodeDataSet WithSplits(IReadOnlyList<NodeSplit> splits, string kind, string note) =>
        new(Name, Graph, Features, Labels, ClassCount, splits, Metric, Variant, Files)
        {
            Transforms = Transforms, _classNames = _classNames, VertexNames = VertexNames, SplitKind = kind, Notes = [.. Notes, note],
        };

    /// <inheritdoc/>
    public override string ToString() => Summary;
}
