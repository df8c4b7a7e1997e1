using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Encodings;

/// <summary>A graph whose vertices are numbered by their keys, so that whatever is computed on it is the same to the last bit however the vertices
/// were labelled.</summary>
internal sealed class KeyedGraph
{
    public KeyedGraph(CsrGraph graph, ReadOnlySpan<int> keys)
    {
        Keys = VertexKeys.OrDefault(keys, graph.VertexCount);
        Vertices = [.. Enumerable.Range(0, graph.VertexCount)];
        if (keys.IsEmpty)
        {
            Graph = graph;
            return;
        }

        Array.Sort(Keys, Vertices);
        var rank = new int[Vertices.Length];
        for (int i = 0; i < rank.Length; i++)
        {
            rank[Vertices[i]] = i;
        }

        int[] sources = new int[graph.ArcCount], targets = new int[graph.ArcCount];
        for (int v = 0, at = 0; v < rank.Length; v++)
        {
            foreach (int w in graph.Neighbours(v))
            {
                (sources[at], targets[at++]) = (rank[v], rank[w]);
            }
        }

        Graph = CsrGraph.FromArcs(rank.Length, sources, targets);
    }

    /// <summary>The graph under its new numbers.</summary>
    public CsrGraph Graph { get; }

    /// <summary>The key of each new number, ascending.</summary>
    public int[] Keys { get; }

    /// <summary>The old number of each new one.</summary>
    public int[] Vertices { get; }
}
