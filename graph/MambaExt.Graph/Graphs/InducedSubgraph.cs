namespace MambaExt.Graph.Graphs;

/// <summary>Some vertices of a graph and the edges among them.</summary>
internal static class InducedSubgraph
{
    /// <summary>The graph whose vertex i is <paramref name="vertices"/>[i].</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="vertices">Ascending</param>
    /// <param name="place">Room, [V], all -1, and again when it is done</param>
    public static CsrGraph Of(CsrGraph graph, int[] vertices, int[] place)
    {
        for (int i = 0; i < vertices.Length; i++)
        {
            place[vertices[i]] = i;
        }

        var offsets = new long[vertices.Length + 1];
        var targets = new List<int>();
        int isolated = 0, largest = 0;
        for (int i = 0; i < vertices.Length; i++)
        {
            foreach (int w in graph.Neighbours(vertices[i]))
            {
                if (place[w] >= 0)
                {
                    targets.Add(place[w]);
                }
            }

            offsets[i + 1] = targets.Count;
            int degree = (int)(offsets[i + 1] - offsets[i]);
            isolated += degree == 0 ? 1 : 0;
            largest = Math.Max(largest, degree);
        }

        foreach (int v in vertices)
        {
            place[v] = -1;
        }

        return new CsrGraph(offsets, [.. targets], new GraphSummary(vertices.Length, targets.Count / 2, targets.Count, 0, 0, 0, isolated, largest));
    }
}
