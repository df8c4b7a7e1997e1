using QuikGraph;

namespace MambaExt.Graph.Graphs;

/// <summary>From and to the graphs of QuikGraph. Ours is what every layer reads; theirs has the algorithms.</summary>
public static class QuikGraphConversion
{
    /// <summary>Copies a QuikGraph graph whose vertices are 0 ... V - 1. Directed edges become undirected, self-loops and
    /// parallel edges are dropped and counted.</summary>
    public static CsrGraph ToCsrGraph<TEdge>(this IEdgeListGraph<int, TEdge> graph)
        where TEdge : IEdge<int>
    {
        ArgumentNullException.ThrowIfNull(graph);
        int count = graph.VertexCount;
        foreach (int vertex in graph.Vertices)
        {
            // V different numbers that all lie in 0 ... V - 1 are exactly those numbers.
            if ((uint)vertex >= (uint)count)
            {
                throw new ArgumentException($"The graph has a vertex {vertex}, but its {count} vertices must be numbered 0 to {count - 1}; renumber them first.");
            }
        }

        var sources = new int[graph.EdgeCount];
        var targets = new int[graph.EdgeCount];
        int i = 0;
        foreach (TEdge edge in graph.Edges)
        {
            sources[i] = edge.Source;
            targets[i++] = edge.Target;
        }

        return CsrGraph.FromArcs(count, sources, targets);
    }

    /// <summary>Copies into an undirected QuikGraph graph: V vertices, E edges with source below target.</summary>
    public static UndirectedGraph<int, SUndirectedEdge<int>> ToQuikGraph(this CsrGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var copy = new UndirectedGraph<int, SUndirectedEdge<int>>(allowParallelEdges: true);
        for (int v = 0; v < graph.VertexCount; v++)
        {
            copy.AddVertex(v);
        }

        for (int v = 0; v < graph.VertexCount; v++)
        {
            foreach (int neighbour in graph.Neighbours(v))
            {
                if (v < neighbour)
                {
                    copy.AddEdge(new SUndirectedEdge<int>(v, neighbour));
                }
            }
        }

        return copy;
    }
}
