using MambaExt.Data;
using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets;

/// <summary>
/// Many graphs that are to be classified, packed end to end and never padded: one <see cref="CsrGraph"/> over all vertices, in which graph g
/// has the vertices <c>Offsets[g] .. Offsets[g + 1]</c> and no edge leaves a graph.
/// </summary>
public sealed class GraphDataSet
{
    private readonly IReadOnlyList<string>? _classNames;

    /// <summary>Checks the parts against one another; throws <see cref="InvalidDataException"/> with one sentence.</summary>
    /// <param name="name">Name in the registry and in results.</param>
    /// <param name="graph">V vertices of all graphs.</param>
    /// <param name="offsets">Where the vertices of each graph start, [G + 1]; every graph has a vertex.</param>
    /// <param name="features">[V, F].</param>
    /// <param name="labels">Class of each graph, 0 ... K - 1, [G].</param>
    /// <param name="classCount">K.</param>
    /// <param name="folds">At least one.</param>
    /// <param name="variant">How far this is the published data set.</param>
    /// <param name="files">What it was read from.</param>
    public GraphDataSet(
        string name, CsrGraph graph, int[] offsets, NodeFeatures features, int[] labels, int classCount, IReadOnlyList<GraphFold> folds,
        DataVariant variant, IReadOnlyList<DataSetFile> files)
    {
        ArgumentNullException.ThrowIfNull(folds);
        (Name, Packed, Labels, ClassCount, Variant, Files) = (name, new PackedGraphs(graph, offsets, features), labels, classCount, variant, files);
        Folds = GraphDataSetCheck.Folds(this, folds);
    }

    private GraphDataSet(GraphDataSet from, PackedGraphs packed, IReadOnlyList<string> transforms)
    {
        (Name, Packed, Labels, ClassCount, Variant, Files, Folds, Metric) = (from.Name, packed, from.Labels, from.ClassCount, from.Variant, from.Files, from.Folds, from.Metric);
        (Tags, SplitKind, Notes, _classNames) = (from.Tags, from.SplitKind, from.Notes, from._classNames);
        Transforms = transforms;
    }

    /// <summary>Name in the registry and in results.</summary>
    public string Name { get; }

    /// <summary>All graphs, end to end.</summary>
    public PackedGraphs Packed { get; }

    /// <summary>Graphs, G.</summary>
    public int Count => Packed.Count;

    /// <summary>What stands for each vertex in words of the file, its tag, [V]; null where vertices have none.</summary>
    public int[]? Tags { get; init; }

    /// <summary>Class of each graph, [G].</summary>
    public int[] Labels { get; }

    /// <summary>Classes, K.</summary>
    public int ClassCount { get; }

    /// <summary>A name a class; their numbers, where nobody has named them.</summary>
    public IReadOnlyList<string> ClassNames
    {
        get => _classNames ?? [.. Enumerable.Range(0, ClassCount).Select(k => Invariant($"{k}"))];
        init => _classNames = value.Count == ClassCount
            ? value
            : throw new InvalidDataException($"The data set {Name} has {ClassCount} classes and {value.Count} names for them; give one a class.");
    }

    /// <summary>Train, validation and test graphs of each fold.</summary>
    public IReadOnlyList<GraphFold> Folds { get; }

    /// <summary>The score that this data set is judged by.</summary>
    public NodeMetric Metric { get; init; } = NodeMetric.Accuracy;

    /// <summary>How far this is the published data set.</summary>
    public DataVariant Variant { get; }

    /// <summary>What the data set was read from.</summary>
    public IReadOnlyList<DataSetFile> Files { get; }

    /// <summary>True where every file has the published hash.</summary>
    public bool IsOfficial => Variant == DataVariant.Official;

    /// <summary>What was done to the features since they were read, in order.</summary>
    public IReadOnlyList<string> Transforms { get; private init; } = [];

    /// <summary>Where the folds come from, in a word: <c>own</c> or <c>random</c>.</summary>
    public string SplitKind { get; init; } = "own";

    /// <summary>What was found in the files and how it was handled, a sentence part each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Lines for a log: the summary, how the graphs were put together, the notes.</summary>
    public IReadOnlyList<string> Report => [Summary, $"graphs: {Packed.Graph.Summary}", .. Notes];

    /// <summary>One line for a log or a report.</summary>
    public string Summary =>
        Invariant($"{Name}, {Variant.ToString().ToLowerInvariant()}: {Count:N0} graphs of {(double)Packed.Graph.VertexCount / Count:f2} vertices and ")
        + Invariant($"{(double)Packed.Graph.EdgeCount / Count:f2} edges on average, {Packed.Features.Columns:N0} features, {ClassCount} classes, {Folds.Count} folds, the first of ")
        + Invariant($"{Folds[0].Train.Length:N0} / {Folds[0].Validation.Length:N0} / {Folds[0].Test.Length:N0}, {(Metric == NodeMetric.RocAuc ? "ROC AUC" : "accuracy")}");

    /// <summary>The same data set with each feature row divided by the sum of its absolute values.</summary>
    public GraphDataSet WithRowNormalisedFeatures() => new(this, Packed.WithFeatures(Packed.Features.RowNormalised()), [.. Transforms, "rows normalised"]);

    /// <summary>A batch: some of the graphs, end to end, in the order given.</summary>
    /// <param name="graphs">Graph numbers; one may come twice.</param>
    public PackedGraphs Pack(ReadOnlySpan<int> graphs) => Packed.Select(graphs);

    /// <inheritdoc/>
    public override string ToString() => Summary;
}
