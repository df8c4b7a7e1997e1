namespace MambaExt.Graph.Graphs;

/// <summary>The connected components of a graph.</summary>
public static class ConnectedComponents
{
    /// <summary>The vertices of each component, ascending; components by their smallest vertex. Linear in V + E.</summary>
    public static IReadOnlyList<int[]> Of(CsrGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var components = new List<int[]>();
        var seen = new bool[graph.VertexCount];
        var found = new List<int>();
        for (int root = 0; root < seen.Length; root++)
        {
            if (seen[root])
            {
                continue;
            }

            found.Clear();
            found.Add(root);
            seen[root] = true;
            for (int i = 0; i < found.Count; i++)
            {
                foreach (int w in graph.Neighbours(found[i]))
                {
                    if (!seen[w])
                    {
                        seen[w] = true;
                        found.Add(w);
                    }
                }
            }

            int[] component = [.. found];
            Array.Sort(component);
            components.Add(component);
        }

        return components;
    }
}
