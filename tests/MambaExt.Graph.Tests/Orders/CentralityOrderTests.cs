using MambaExt.Graph.Graphs;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tests.Support;
using QuikGraph;
using QuikGraph.Algorithms.Ranking;

namespace MambaExt.Graph.Tests.Orders;

/// <summary>PageRank against QuikGraph's, personalized PageRank against a dense solution of its definition, cores against taking vertices away one by one.</summary>
public class CentralityOrderTests
{
    /// <summary>Random graphs with isolated vertices and several components, a star, a cycle, two parts of different kinds.</summary>
    private static IEnumerable<CsrGraph> Graphs() =>
    [
        TestGraphs.Random(200, 500, 1), TestGraphs.Random(120, 90, 2), TestGraphs.Star(7), TestGraphs.Cycle(9), TestGraphs.Of(5), TestGraphs.Of(0),
        TestGraphs.Of(8, (0, 1), (1, 2), (2, 0), (2, 3), (4, 5), (5, 6), (4, 6), (6, 7)),
    ];

    [Fact]
    public void Page_rank_is_quikgraphs()
    {
        foreach (CsrGraph graph in Graphs())
        {
            var arcs = new BidirectionalGraph<int, Edge<int>>();
            arcs.AddVertexRange(Enumerable.Range(0, graph.VertexCount));
            for (int v = 0; v < graph.VertexCount; v++)
            {
                arcs.AddEdgeRange(graph.Neighbours(v).ToArray().Select(w => new Edge<int>(v, w)));
            }

            var oracle = new PageRankAlgorithm<int, Edge<int>>(arcs) { Tolerance = 1e-12, MaxIterations = 500 };
            oracle.Compute();
            long[] ranks = PageRank.Ranks(graph);
            Assert.All(Enumerable.Range(0, graph.VertexCount), v => Assert.Equal(oracle.Ranks[v], (double)ranks[v] / PageRank.One, 1e-6));
            double[] ordered = [.. new PageRankOrder().Order(graph, 3).Permutation.Select(v => oracle.Ranks[(int)v])];
            Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(pair.Second >= pair.First - 1e-9));
        }
    }

    [Fact]
    public void Personalized_page_rank_teleports_to_the_hubs_of_each_component()
    {
        foreach (CsrGraph graph in Graphs())
        {
            double[] teleports = new double[graph.VertexCount], ranks = new double[graph.VertexCount];
            foreach (int[] component in ConnectedComponents.Of(graph))
            {
                int[] hubs = [.. component.Where(v => component.All(w => graph.Degree(w) <= graph.Degree(v)))];
                Array.ForEach(hubs, h => teleports[h] = (double)component.Length / hubs.Length);
            }

            for (int round = 0; round < 300; round++)
            {
                ranks = [.. Enumerable.Range(0, ranks.Length).Select(v => (0.15 * teleports[v]) + (0.85 * graph.Neighbours(v).ToArray().Sum(w => ranks[w] / graph.Degree(w))))];
            }

            long[] found = PageRank.RanksFromHubs(graph);
            Assert.All(Enumerable.Range(0, ranks.Length), v => Assert.Equal(ranks[v], (double)found[v] / PageRank.One, 1e-6));
        }
    }

    [Fact]
    public void Cores_are_what_taking_away_vertices_leaves()
    {
        foreach (CsrGraph graph in Graphs())
        {
            int[] expected = new int[graph.VertexCount];
            for (int k = 1; k < 20; k++)
            {
                var left = Enumerable.Range(0, graph.VertexCount).ToHashSet();
                while (left.RemoveWhere(v => graph.Neighbours(v).ToArray().Count(left.Contains) < k) > 0)
                {
                }

                foreach (int v in left)
                {
                    expected[v] = k;
                }
            }

            Assert.Equal(expected, CoreOrder.Cores(graph));
        }
    }

    [Fact]
    public void Vertices_that_look_alike_have_equal_ranks_and_follow_the_noise()
    {
        // Rotations of a cycle with a chord to the opposite vertex: all vertices alike.
        CsrGraph graph = TestGraphs.Of(60, [.. Enumerable.Range(0, 60).SelectMany(v => new[] { (v, (v + 1) % 60), (v, (v + 30) % 60) })]);
        foreach (IVertexOrder rule in new IVertexOrder[] { new PageRankOrder(), new PersonalizedPageRankOrder(), new CoreOrder() })
        {
            Assert.Equal(new RandomOrder().Order(graph, 4).Permutation, rule.Order(graph, 4).Permutation);
        }

        long[] ranks = PageRank.Ranks(TestGraphs.Star(31));
        Assert.Single(ranks[1..].Distinct());
    }

    [Fact]
    public void Threads_and_other_graphs_change_no_rank()
    {
        CsrGraph graph = TestGraphs.Random(9000, 20_000, 4), larger = TestGraphs.Of(9300, [.. Edges(graph, 0), .. Edges(TestGraphs.Random(300, 800, 5), 9000)]);
        int before = Compute.Threads;
        try
        {
            Compute.Threads = 1;
            long[] one = PageRank.Ranks(graph), hubs = PageRank.RanksFromHubs(graph);
            Compute.Threads = 3;
            Assert.Equal(one, PageRank.Ranks(graph));
            Assert.Equal(one, PageRank.Ranks(larger)[..9000]);
            Assert.Equal(hubs, PageRank.RanksFromHubs(larger)[..9000]);
        }
        finally
        {
            Compute.Threads = before;
        }
    }

    private static IEnumerable<(int, int)> Edges(CsrGraph graph, int first) =>
        Enumerable.Range(0, graph.VertexCount).SelectMany(v => graph.Neighbours(v).ToArray().Select(w => (v + first, w + first)));
}
