namespace MambaExt.Graph.Graphs;

/// <summary>The constant matrices [V, V] of neighbourhood sums, one row a vertex, computed in double and rounded once.</summary>
public static class NeighbourWeights
{
    /// <summary>D^-1/2 A D^-1/2 with A the adjacency, plus the identity where <paramref name="selfLoops"/>, and D its row sums
    /// (Kipf and Welling 2017). Symmetric.</summary>
    public static SparseMatrix Gcn(CsrGraph graph, bool selfLoops = true) =>
        Build(graph, selfLoops, static (row, column) => 1 / Math.Sqrt((double)row * column));

    /// <summary>D^-1 A, the mean over neighbours, and over the vertex itself where <paramref name="selfLoops"/>. A vertex without
    /// neighbours has an empty row, so its sum is zero.</summary>
    public static SparseMatrix Mean(CsrGraph graph, bool selfLoops = false) =>
        Build(graph, selfLoops, static (row, _) => 1.0 / row);

    /// <summary>A, the sum over neighbours, and the vertex itself where <paramref name="selfLoops"/>. Symmetric.</summary>
    public static SparseMatrix Sum(CsrGraph graph, bool selfLoops = false) => Build(graph, selfLoops, static (_, _) => 1);

    private static SparseMatrix Build(CsrGraph graph, bool selfLoops, Func<int, int, double> weight)
    {
        ArgumentNullException.ThrowIfNull(graph);
        int loop = selfLoops ? 1 : 0;
        var offsets = new long[graph.VertexCount + 1];
        var indices = new int[graph.ArcCount + (long)loop * graph.VertexCount];
        var values = new float[indices.Length];
        long at = 0;
        for (int v = 0; v < graph.VertexCount; v++)
        {
            int degree = graph.Degree(v) + loop;
            bool placed = !selfLoops;
            foreach (int neighbour in graph.Neighbours(v))
            {
                if (!placed && neighbour > v)
                {
                    indices[at] = v;
                    values[at++] = (float)weight(degree, degree);
                    placed = true;
                }

                indices[at] = neighbour;
                values[at++] = (float)weight(degree, graph.Degree(neighbour) + loop);
            }

            if (!placed)
            {
                indices[at] = v;
                values[at++] = (float)weight(degree, degree);
            }

            offsets[v + 1] = at;
        }

        return SparseMatrix.Trusted(graph.VertexCount, graph.VertexCount, offsets, indices, values);
    }
}
