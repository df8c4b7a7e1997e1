using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Tests.Support;

/// <summary>Graphs that are told apart by their edges alone: rings (class 0) and stars (class 1) of 5 to 12 vertices, all features one.</summary>
internal static class RingsAndStars
{
    public static GraphDataSet Make(int graphs = 60, int folds = 5)
    {
        int[] labels = [.. Enumerable.Range(0, graphs).Select(g => g % 2)];
        PackedGraphs packed = Pack([.. Enumerable.Range(0, graphs).Select(g => (5 + (g / 2 % 8), g % 2 == 1))]);
        return new GraphDataSet("rings-and-stars", packed.Graph, packed.Offsets, packed.Features, labels, 2, GraphFolds.Stratified(labels, 3, folds), DataVariant.Drawn, []);
    }

    /// <summary>The same graphs and folds with other labels.</summary>
    public static GraphDataSet With(GraphDataSet data, int[] labels) =>
        new(data.Name, data.Packed.Graph, data.Packed.Offsets, data.Packed.Features, labels, 2, data.Folds, data.Variant, []);

    public static PackedGraphs Pack(params (int Vertices, bool Star)[] graphs) => PackedGraphs.Of(
        [.. graphs.Select(g => (Graph: g.Star ? TestGraphs.Star(g.Vertices - 1) : TestGraphs.Cycle(g.Vertices), NodeFeatures.Of([.. Enumerable.Repeat(1f, g.Vertices * 2).Select((x, i) => i % 2 == 0 ? x : i * 0.01f)], g.Vertices, 2)))]);
}
