using CsCheck;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.Graphs;

public class CsrGraphTests
{
    [Fact]
    public void Empty_graph_has_no_edges()
    {
        CsrGraph graph = CsrGraph.FromArcs(0, [], []);
        Assert.Equal((0, 0L, 1), (graph.VertexCount, graph.EdgeCount, graph.Offsets.Length));
    }

    [Fact]
    public void Loops_and_repeats_are_dropped_and_counted()
    {
        // 0-1 twice and once back, 1-2 both ways, 3-0 one way, a loop at 2; 4 is isolated.
        CsrGraph graph = CsrGraph.FromArcs(5, [0, 0, 1, 1, 2, 3, 2], [1, 1, 0, 2, 1, 0, 2]);
        Assert.Equal(new GraphSummary(5, 3, 7, 1, 1, 1, 1, 2), graph.Summary);
        Assert.Equal([1, 3], graph.Neighbours(0).ToArray());
        Assert.Equal(0, graph.Degree(4));
        Assert.True(graph.HasEdge(0, 3) && graph.HasEdge(3, 0) && !graph.HasEdge(3, 1));
    }

    [Fact]
    public void Any_arcs_give_the_graph_that_sets_give()
    {
        Gen.Int[1, 40].SelectMany(v => Gen.Select(Gen.Const(v), Gen.Select(Gen.Int[0, v - 1], Gen.Int[0, v - 1]).Array[0, 120])).Sample((vertices, arcs) =>
        {
            CsrGraph graph = TestGraphs.Of(vertices, arcs);
            var rows = Enumerable.Range(0, vertices).Select(_ => new SortedSet<int>()).ToArray();
            foreach ((int a, int b) in arcs.Where(arc => arc.Item1 != arc.Item2))
            {
                rows[a].Add(b);
                rows[b].Add(a);
            }

            for (int v = 0; v < vertices; v++)
            {
                Assert.Equal(rows[v], graph.Neighbours(v).ToArray());
            }

            (int, int)[] proper = [.. arcs.Where(arc => arc.Item1 != arc.Item2)];
            var distinct = proper.ToHashSet();
            Assert.Equal(rows.Sum(row => row.Count), graph.ArcCount);
            Assert.Equal(arcs.Length - proper.Length, graph.Summary.SelfLoopsDropped);
            Assert.Equal(proper.Length - distinct.Count, graph.Summary.RepeatsDropped);
            Assert.Equal(distinct.Count(arc => !distinct.Contains((arc.Item2, arc.Item1))), graph.Summary.OneWayEdges);
            Assert.Equal(rows.Count(row => row.Count == 0), graph.Summary.IsolatedVertices);
            Assert.Equal(rows.Max(row => row.Count), graph.Summary.LargestDegree);
        }, iter: 300);
    }

    [Fact]
    public void Bad_arcs_are_refused_in_one_sentence()
    {
        OneSentence.Of<ArgumentException>(() => CsrGraph.FromArcs(3, [0, 1], [1, 3]), "Arc 1", "0 to 2");
        OneSentence.Of<ArgumentException>(() => CsrGraph.FromArcs(3, [-1], [1]), "Arc 0", "-1");
        OneSentence.Of<ArgumentException>(() => CsrGraph.FromArcs(0, [0], [0]), "no vertices");
        OneSentence.Of<ArgumentException>(() => CsrGraph.FromArcs(3, [0, 1], [1]), "2 sources", "1 targets");
        OneSentence.Of<ArgumentException>(() => CsrGraph.FromArcs(-1, [], []), "-1");
    }
}
