using MambaExt.Data;
using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>What the readers of many small graphs find, and the data set it makes.</summary>
/// <param name="Offsets">Where the vertices of each graph start, [G + 1].</param>
/// <param name="Sources">Arcs over all vertices.</param>
/// <param name="Targets">Arcs over all vertices.</param>
/// <param name="Tags">What kind of vertex each is, [V]; null where the files do not say.</param>
/// <param name="Attributes">Numbers of each vertex, [V][A]; null where there are none.</param>
/// <param name="Labels">Label of each graph as written, [G].</param>
internal sealed record GraphTextParts(int[] Offsets, int[] Sources, int[] Targets, int[]? Tags, float[][]? Attributes, int[] Labels)
{
    public GraphDataSet ToDataSet(DataSetRequest request, IReadOnlyList<GraphFold>? folds, IReadOnlyList<DataSetFile> files)
    {
        int vertices = Offsets[^1];
        CsrGraph graph = CsrGraph.FromArcs(vertices, Sources, Targets);
        int[] written = [.. Labels.Distinct().Order()];
        int[] labels = Array.ConvertAll(Labels, label => Array.BinarySearch(written, label));
        var notes = new List<string>();
        NodeFeatures features = Features(graph, notes);
        string splits = folds is null ? "random" : "own";
        if (folds is null)
        {
            folds = GraphFolds.Stratified(labels, request.Split.Seed);
            notes.Add($"ten folds drawn at random with their share of each class, seed {request.Split.Seed}");
        }
        else if (folds.SelectMany(fold => fold.Test).Distinct().Count() is var covered && covered < labels.Length)
        {
            notes.Add(Invariant($"the test folds cover {covered:N0} of {labels.Length:N0} graphs; the other {labels.Length - covered:N0} are never tested"));
        }

        notes.Add("each test fold is validated on the fold after it");
        return new GraphDataSet(request.Info.Name, graph, Offsets, features, labels, written.Length, folds, DataVariants.Of(files), files)
        {
            Tags = Tags,
            ClassNames = [.. written.Select(label => Invariant($"{label}"))],
            Metric = request.Info.Metric,
            SplitKind = splits,
            Notes = notes,
        };
    }

    /// <summary>One-hot tags, then the attributes; where all vertices are alike, one-hot degrees.</summary>
    private NodeFeatures Features(CsrGraph graph, List<string> notes)
    {
        int attributes = Attributes is { Length: > 0 } ? Attributes[0].Length : 0;
        int[] kinds = Tags ?? new int[graph.VertexCount];
        int[] distinct = [.. kinds.Distinct().Order()];
        if (distinct.Length < 2 && attributes == 0)
        {
            kinds = [.. Enumerable.Range(0, graph.VertexCount).Select(graph.Degree)];
            distinct = [.. kinds.Distinct().Order()];
            notes.Add("vertices have no features, so their one-hot degree stands for them");
        }

        int width = 1 + attributes;
        var offsets = new long[graph.VertexCount + 1];
        var indices = new int[(long)graph.VertexCount * width];
        var values = new float[indices.Length];
        for (int v = 0; v < graph.VertexCount; v++)
        {
            offsets[v + 1] = offsets[v] + width;
            indices[v * width] = Array.BinarySearch(distinct, kinds[v]);
            values[v * width] = 1;
            for (int a = 0; a < attributes; a++)
            {
                indices[(v * width) + 1 + a] = distinct.Length + a;
                values[(v * width) + 1 + a] = Attributes![v][a];
            }
        }

        return NodeFeatures.Of(new SparseMatrix(graph.VertexCount, distinct.Length + attributes, offsets, indices, values));
    }
}
