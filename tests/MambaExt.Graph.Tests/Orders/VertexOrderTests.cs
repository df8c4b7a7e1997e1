using MambaExt.Graph.Graphs;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tests.Support;

namespace MambaExt.Graph.Tests.Orders;

public class VertexOrderTests
{
    [Fact]
    public void Degree_order_ascends()
    {
        CsrGraph graph = TestGraphs.Random(300, 900, seed: 1);
        int[] degrees = [.. new DegreeOrder().Order(graph, seed: 2).Permutation.Select(v => graph.Degree((int)v))];
        Assert.Equal(degrees.Order(), degrees);
    }

    [Fact]
    public void Inverse_undoes_the_permutation()
    {
        foreach (IVertexOrder rule in VertexOrders.Names.Select(VertexOrders.Named))
        {
            VertexOrder order = rule.Order(TestGraphs.Random(100, 200, seed: 3), seed: 4);
            Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), order.Inverse.Select(position => order.Permutation[position]));
        }
    }

    [Fact]
    public void Ties_follow_the_seed()
    {
        CsrGraph graph = TestGraphs.Cycle(200);
        var rule = new DegreeOrder();
        Assert.Equal(rule.Order(graph, 1).Permutation, rule.Order(graph, 1).Permutation);
        Assert.NotEqual(rule.Order(graph, 1).Permutation, rule.Order(graph, 2).Permutation);
        Assert.NotEqual(Enumerable.Range(0, 200).Select(i => (long)i), rule.Order(graph, 1).Permutation);
    }

    [Fact]
    public void Ties_are_shuffled_evenly()
    {
        // The mean position of one of ten tied vertices over 4,000 seeds is 4.5 with deviation 2.87 / sqrt(4,000) = 0.045.
        CsrGraph graph = TestGraphs.Cycle(10);
        double mean = Enumerable.Range(0, 4000).Average(seed => new DegreeOrder().Order(graph, (ulong)seed).Inverse[3]);
        Assert.InRange(mean, 4.5 - 0.2, 4.5 + 0.2);
    }

    [Fact]
    public void Relabelling_with_keys_relabels_the_order()
    {
        CsrGraph graph = TestGraphs.Random(150, 200, seed: 5);
        int[] names = [.. Enumerable.Range(0, 150)];
        new Random(6).Shuffle(names);
        var keys = new int[150];
        for (int v = 0; v < 150; v++)
        {
            keys[names[v]] = v;
        }

        foreach (IVertexOrder rule in VertexOrders.Names.Select(VertexOrders.Named))
        {
            VertexOrder before = rule.Order(graph, 7), after = rule.Order(TestGraphs.Relabel(graph, names), 7, keys);
            Assert.Equal(before.Permutation.Select(v => (long)names[v]), after.Permutation);
        }
    }

    [Fact]
    public void Order_of_a_graph_without_vertices_is_empty() =>
        Assert.Empty(new RandomOrder().Order(CsrGraph.FromArcs(0, [], []), 1).Permutation);

    [Fact]
    public void What_is_no_permutation_is_refused()
    {
        OneSentence.Of<ArgumentException>(() => _ = new VertexOrder([0, 2, 2]), "Position 2", "named before");
        OneSentence.Of<ArgumentException>(() => _ = new VertexOrder([0, 3, 1]), "vertex 3", "not in the graph");
        OneSentence.Of<ArgumentException>(() => new RandomOrder().Order(TestGraphs.Cycle(3), 1, [1, 2]), "2 vertex keys");
    }
}
