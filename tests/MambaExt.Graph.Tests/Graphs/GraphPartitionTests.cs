using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.Graphs;

public class GraphPartitionTests
{
    /// <summary>A square of n x n vertices, each joined to those above, below, left and right.</summary>
    private static CsrGraph Square(int n) => TestGraphs.Of(
        n * n, [.. Enumerable.Range(0, n * n).Where(v => v % n < n - 1).Select(v => (v, v + 1)), .. Enumerable.Range(0, n * (n - 1)).Select(v => (v, v + n))]);

    private static double Cut(CsrGraph graph, IReadOnlyList<int[]> parts)
    {
        var partOf = new int[graph.VertexCount];
        for (int p = 0; p < parts.Count; p++)
        {
            foreach (int v in parts[p])
            {
                partOf[v] = p;
            }
        }

        return (double)Enumerable.Range(0, graph.VertexCount).Sum(v => graph.Neighbours(v).ToArray().Count(w => partOf[w] != partOf[v])) / graph.ArcCount;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(40)]
    public void Every_vertex_is_in_one_part_of_about_the_same_size(int parts)
    {
        CsrGraph graph = TestGraphs.Random(500, 900, 3);
        IReadOnlyList<int[]> found = GraphPartition.Of(graph, parts);
        Assert.Equal(parts, found.Count);
        Assert.Equal(Enumerable.Range(0, 500), found.SelectMany(own => own).Order());
        Assert.All(found, own => Assert.InRange(own.Length, 1, (500 * 1.1 / parts) + 1));
        Assert.All(found, own => Assert.Equal(own.Order(), own));
    }

    [Fact]
    public void A_square_is_cut_along_few_edges()
    {
        // Eight strips of a square of 40 would cut 9 % of the edges, parts at random 87.5 %.
        CsrGraph graph = Square(40);
        Assert.InRange(Cut(graph, GraphPartition.Of(graph, 8)), 0.02, 0.15);
    }

    [Fact]
    public void Communities_are_found()
    {
        // Four cliques of 25 in a ring, their vertices numbered in turn.
        int Vertex(int clique, int member) => (4 * member) + clique;
        CsrGraph graph = TestGraphs.Of(100,
            [.. from k in Enumerable.Range(0, 4) from i in Enumerable.Range(0, 25) from j in Enumerable.Range(0, i) select (Vertex(k, i), Vertex(k, j)), .. Enumerable.Range(0, 4).Select(k => (Vertex(k, 0), Vertex((k + 1) % 4, 1)))]);
        Assert.All(GraphPartition.Of(graph, 4), own => Assert.Single(own.Select(v => v % 4).Distinct()));
    }

    [Fact]
    public void As_many_parts_as_vertices_hold_one_each()
    {
        Assert.All(GraphPartition.Of(TestGraphs.Cycle(9), 9), own => Assert.Single(own));
        Assert.Equal([[0], [1], [2]], GraphPartition.Of(TestGraphs.Of(3), 3));
        Assert.Empty(Assert.Single(GraphPartition.Of(TestGraphs.Of(0), 1)));
        OneSentence.Of<ArgumentException>(() => GraphPartition.Of(TestGraphs.Cycle(9), 10), "10", "1 to 9");
        OneSentence.Of<ArgumentException>(() => GraphPartition.Of(TestGraphs.Cycle(9), 0), "0 parts");
    }

    [Fact]
    public void An_induced_subgraph_has_the_edges_among_its_vertices()
    {
        CsrGraph graph = TestGraphs.Random(60, 200, 4);
        int[] own = [.. Enumerable.Range(0, 60).Where(v => v % 3 != 1)], place = [.. Enumerable.Repeat(-1, 60)];
        CsrGraph part = InducedSubgraph.Of(graph, own, place);
        Assert.All(place, p => Assert.Equal(-1, p));
        for (int i = 0; i < own.Length; i++)
        {
            Assert.Equal(Enumerable.Range(0, own.Length).Where(j => graph.HasEdge(own[i], own[j])), part.Neighbours(i).ToArray());
        }
    }
}
