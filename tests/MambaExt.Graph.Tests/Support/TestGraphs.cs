using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Tests.Support;

/// <summary>Small graphs, and random ones from a fixed seed.</summary>
internal static class TestGraphs
{
    public static CsrGraph Of(int vertices, params (int A, int B)[] edges) =>
        CsrGraph.FromArcs(vertices, [.. edges.Select(e => e.A)], [.. edges.Select(e => e.B)]);

    public static CsrGraph Cycle(int vertices) => Of(vertices, [.. Enumerable.Range(0, vertices).Select(v => (v, (v + 1) % vertices))]);

    public static CsrGraph Star(int leaves) => Of(leaves + 1, [.. Enumerable.Range(1, leaves).Select(v => (0, v))]);

    public static CsrGraph Random(int vertices, int edges, int seed)
    {
        var random = new Random(seed);
        return Of(vertices, [.. Enumerable.Range(0, edges).Select(_ => (random.Next(vertices), random.Next(vertices)))]);
    }

    /// <summary>The graph in which vertex v is called <c>names[v]</c>.</summary>
    public static CsrGraph Relabel(CsrGraph graph, int[] names)
    {
        var edges = new List<(int, int)>();
        for (int v = 0; v < graph.VertexCount; v++)
        {
            foreach (int w in graph.Neighbours(v))
            {
                edges.Add((names[v], names[w]));
            }
        }

        return Of(graph.VertexCount, [.. edges]);
    }
}
