using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Tests.Shared;
using QuikGraph;
using QuikGraph.Algorithms;

namespace MambaExt.Graph.Tests.Graphs;

public class QuikGraphConversionTests
{
    [Fact]
    public void There_and_back_is_the_same_graph()
    {
        CsrGraph graph = TestGraphs.Random(50, 120, seed: 1);
        CsrGraph back = graph.ToQuikGraph().ToCsrGraph();
        Assert.Equal(graph.Offsets.ToArray(), back.Offsets.ToArray());
        Assert.Equal(graph.Targets.ToArray(), back.Targets.ToArray());
    }

    [Fact]
    public void Directed_graph_with_loops_becomes_undirected()
    {
        var directed = new AdjacencyGraph<int, Edge<int>>();
        directed.AddVertexRange([2, 0, 1]);
        directed.AddEdgeRange([new(0, 1), new(1, 0), new(2, 2), new(2, 1)]);
        CsrGraph graph = directed.ToCsrGraph();
        Assert.Equal((3, 2L, 1L), (graph.VertexCount, graph.EdgeCount, graph.Summary.SelfLoopsDropped));
    }

    [Fact]
    public void Gap_in_the_vertex_numbers_is_refused()
    {
        var directed = new AdjacencyGraph<int, Edge<int>>();
        directed.AddVerticesAndEdge(new Edge<int>(0, 7));
        OneSentence.Of<ArgumentException>(() => directed.ToCsrGraph(), "vertex 7", "0 to 1");
    }

    [Fact]
    public void Connected_components_of_Cora_are_those_of_union_find()
    {
        CsrGraph graph = GraphDataSets.Load("cora", SharedData.Require("data", "graph")).Graph;
        var theirs = new Dictionary<int, int>();
        int count = graph.ToQuikGraph().ConnectedComponents(theirs);
        int[] ours = UnionFind(graph);
        Assert.Equal(78, count);
        Assert.Equal(count, ours.Distinct().Count());
        Assert.Equal(count, theirs.Select(pair => (pair.Value, ours[pair.Key])).Distinct().Count());
    }

    private static int[] UnionFind(CsrGraph graph)
    {
        int[] parent = [.. Enumerable.Range(0, graph.VertexCount)];
        int Root(int v) => parent[v] == v ? v : parent[v] = Root(parent[v]);
        for (int v = 0; v < graph.VertexCount; v++)
        {
            foreach (int w in graph.Neighbours(v))
            {
                parent[Root(v)] = Root(w);
            }
        }

        return [.. parent.Select((_, v) => Root(v))];
    }
}
