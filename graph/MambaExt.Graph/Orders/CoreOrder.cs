using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>By core number, ascending: the largest k for which a vertex belongs to the k-core, the largest part of the graph in which every
/// vertex has k neighbours (Seidman 1983). Vertices of one core are shuffled by seeded noise.</summary>
public sealed class CoreOrder : NoisyOrder
{
    /// <inheritdoc/>
    public override string Name => "core";

    /// <inheritdoc/>
    public override long[] Scores(CsrGraph graph) => [.. Cores(graph).Select(k => (long)k)];

    /// <summary>The core number of every vertex, [V], in time linear in V + E (Batagelj and Zaversnik, arXiv cs/0310049): take away a vertex
    /// of the least remaining degree, again and again.</summary>
    public static int[] Cores(CsrGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        int vertices = graph.VertexCount;
        int[] degree = [.. Enumerable.Range(0, vertices).Select(graph.Degree)];

        // Vertices by remaining degree, where the vertices of each degree start, and where each vertex stands.
        int[] start = new int[(vertices == 0 ? 0 : degree.Max()) + 2], order = new int[vertices], place = new int[vertices];
        foreach (int d in degree)
        {
            start[d + 1]++;
        }

        for (int d = 1; d < start.Length; d++)
        {
            start[d] += start[d - 1];
        }

        int[] next = [.. start];
        for (int v = 0; v < vertices; v++)
        {
            place[v] = next[degree[v]]++;
            order[place[v]] = v;
        }

        for (int i = 0; i < vertices; i++)
        {
            int v = order[i];
            foreach (int w in graph.Neighbours(v))
            {
                if (degree[w] <= degree[v])
                {
                    continue;
                }

                // w loses a neighbour: it changes places with the first vertex of its degree, whose bucket then starts one later.
                int first = start[degree[w]], other = order[first];
                (order[first], order[place[w]]) = (w, other);
                (place[w], place[other]) = (first, place[w]);
                start[degree[w]] = first + 1;
                degree[w]--;
            }
        }

        return degree;
    }
}
