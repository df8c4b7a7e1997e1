namespace MambaExt.Graph.Tokens;

/// <summary>
/// Vertex keys: an int a vertex that random choices are tied to instead of the vertex number. Whoever relabels a graph and carries
/// the keys along gets the relabelled result, exactly. Without keys a vertex is its own key.
/// </summary>
internal static class VertexKeys
{
    /// <summary>A checked copy of <paramref name="keys"/>, or 0 ... V - 1 where there are none.</summary>
    public static int[] OrDefault(ReadOnlySpan<int> keys, int vertices)
    {
        var copy = new int[vertices];
        if (keys.IsEmpty)
        {
            for (int v = 0; v < vertices; v++)
            {
                copy[v] = v;
            }

            return copy;
        }

        if (keys.Length != vertices)
        {
            throw new ArgumentException($"There are {keys.Length} vertex keys for {vertices} vertices; give one a vertex or none.");
        }

        keys.CopyTo(copy);
        int[] sorted = [.. copy];
        Array.Sort(sorted);
        for (int i = 1; i < sorted.Length; i++)
        {
            if (sorted[i] == sorted[i - 1])
            {
                throw new ArgumentException($"Vertices {Array.IndexOf(copy, sorted[i])} and {Array.LastIndexOf(copy, sorted[i])} share the key {sorted[i]}; vertex keys must differ.");
            }
        }

        return copy;
    }
}
