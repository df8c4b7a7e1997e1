using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Encodings;

/// <summary>Encodings of the places of all vertices of some graphs, each computed when it is first asked for and kept: batches of the graphs read their rows,
/// and no epoch computes them again. Not for use by several threads at once.</summary>
/// <param name="graph">V vertices</param>
/// <param name="seed">Of whatever is random in them</param>
/// <param name="keys">A different int for each vertex, [V], or empty for the vertex numbers</param>
/// <param name="graphStarts">Where each graph starts, [graphs + 1]</param>
internal sealed class VertexEncodings(CsrGraph graph, ulong seed, int[] keys, int[] graphStarts)
{
    private readonly Dictionary<(string Kind, int Size), float[]> _made = [];

    /// <summary>Each eigenvector's entry beside its eigenvalue, and 1 where there is an eigenvector, else 0: [V, k, 3].</summary>
    /// <param name="count">k</param>
    /// <param name="vertices">Whose rows; null for all</param>
    public float[] Laplacian(int count, int[]? vertices) => Rows(
        "laplacian", count, 3 * count, vertices, () => LaplacianEigenvectors.Of(graph, count, seed, keys, graphStarts).Entries());

    /// <summary>Return probabilities after 1 ... K steps, [V, K].</summary>
    /// <param name="steps">K</param>
    /// <param name="vertices">Whose rows; null for all</param>
    public float[] Returns(int steps, int[]? vertices) => Rows("returns", steps, steps, vertices, () => ReturnProbabilities.Of(graph, steps, seed, keys));

    private float[] Rows(string kind, int size, int width, int[]? vertices, Func<float[]> make)
    {
        if (!_made.TryGetValue((kind, size), out float[]? all))
        {
            _made[(kind, size)] = all = make();
        }

        if (vertices is null)
        {
            return all;
        }

        var rows = new float[(long)vertices.Length * width];
        for (int i = 0; i < vertices.Length; i++)
        {
            Array.Copy(all, (long)vertices[i] * width, rows, (long)i * width, width);
        }

        return rows;
    }
}
