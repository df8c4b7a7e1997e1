using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Encodings;

/// <summary>
/// For each of several graphs end to end, the k eigenvectors of L = D - A with the smallest eigenvalues, the trivial one included, of length 1. Every
/// connected component is solved for itself, by <see cref="Lobpcg"/>, sparsely; so a graph of c components has its c zeros exactly, each the constant over one
/// component, the largest component first. Signs, and the basis where eigenvalues are equal, follow from the seed and the vertex keys: the same bits under any
/// labels, any number of threads, and beside any other graph.
/// </summary>
public sealed class LaplacianEigenvectors
{
    private readonly float[] _vectors;
    private readonly float[] _values;
    private readonly int[] _graphStarts;

    private LaplacianEigenvectors(int count, int[] graphStarts)
    {
        Count = count;
        _graphStarts = graphStarts;
        _vectors = new float[(long)graphStarts[^1] * count];
        _values = new float[(long)(graphStarts.Length - 1) * count];
        Array.Fill(_values, float.NaN);
    }

    /// <summary>k.</summary>
    public int Count { get; }

    /// <summary>The largest |L x - theta x| of any pair.</summary>
    public double Residual { get; private set; }

    /// <summary>Entry of each vertex in each eigenvector, [V, k] row by row; zero where a graph has fewer than k vertices.</summary>
    public ReadOnlySpan<float> Vectors => _vectors;

    /// <summary>Eigenvalues of each graph, ascending, [graphs, k] row by row; not a number where a graph has fewer than k vertices.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>Computes.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="count">k, 1 and more</param>
    /// <param name="seed">Of the vectors that the search begins with</param>
    /// <param name="keys">A different int for each vertex that the start is tied to, [V], or nothing for the vertex numbers</param>
    /// <param name="graphStarts">Where each graph starts, [graphs + 1]; nothing for one graph</param>
    /// <param name="token">Stops the work</param>
    public static LaplacianEigenvectors Of(
        CsrGraph graph, int count, ulong seed, ReadOnlySpan<int> keys = default, ReadOnlySpan<int> graphStarts = default, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var result = new LaplacianEigenvectors(count, graphStarts.IsEmpty ? [0, graph.VertexCount] : graphStarts.ToArray());
        var keyed = new KeyedGraph(graph, keys);
        ILookup<int, int[]> components = ConnectedComponents.Of(keyed.Graph).ToLookup(component => result.GraphOf(keyed.Vertices[component[0]]));
        var residuals = new double[result._graphStarts.Length - 1];
        var limits = new ParallelOptions { MaxDegreeOfParallelism = Compute.Threads, CancellationToken = token };
        Parallel.For(0, residuals.Length, limits, g => residuals[g] = result.Solve(g, [.. components[g].OrderByDescending(c => c.Length)], keyed, seed, token));
        result.Residual = residuals.DefaultIfEmpty(0).Max();
        return result;
    }

    /// <summary>Each eigenvector's entry, its eigenvalue, and a 1: [V, k, 3], zeros where there is no eigenvector.</summary>
    internal float[] Entries()
    {
        var entries = new float[3 * _vectors.LongLength];
        for (int g = 0; g < _graphStarts.Length - 1; g++)
        {
            for (long at = (long)_graphStarts[g] * Count; at < (long)_graphStarts[g + 1] * Count; at++)
            {
                float value = _values[((long)g * Count) + (at % Count)];
                if (!float.IsNaN(value))
                {
                    (entries[3 * at], entries[(3 * at) + 1], entries[(3 * at) + 2]) = (_vectors[at], value, 1);
                }
            }
        }

        return entries;
    }

    private int GraphOf(int vertex)
    {
        int at = Array.BinarySearch(_graphStarts, vertex);
        while (at >= 0 && at < _graphStarts.Length - 1 && _graphStarts[at + 1] == vertex)
        {
            // A graph without vertices starts where the next one does.
            at++;
        }

        return at >= 0 ? at : ~at - 1;
    }

    /// <summary>Solves one graph; returns its largest residual.</summary>
    /// <param name="g">Number of the graph</param>
    /// <param name="components">Of the graph, the largest first</param>
    /// <param name="keyed">All graphs</param>
    /// <param name="seed">Of the start</param>
    /// <param name="token">Stops the work</param>
    private double Solve(int g, int[][] components, KeyedGraph keyed, ulong seed, CancellationToken token)
    {
        // Every component has a zero; only what is left of the k is looked for.
        int left = Math.Max(0, Count - components.Length);
        double worst = 0;
        var found = new List<(double Value, int Component, double[] Vector)>();
        for (int c = 0; c < Math.Min(components.Length, Count); c++)
        {
            int[] component = components[c];
            int wanted = Math.Min(left + 1, component.Length);
            double Start(int v, int column) => (CounterRandom.ForKey(seed, RandomStream.Encodings, keyed.Keys[component[v]], column) / (double)ulong.MaxValue) - 0.5;
            var (values, vectors, residual) = component.Length == 1
                ? ([0], [[1]], 0)
                : Lobpcg.Smallest(new ConnectedLaplacian(keyed.Graph, component), wanted, Start, token);
            worst = Math.Max(worst, residual);
            found.AddRange(values.Zip(vectors, (value, vector) => (value, c, vector)));
        }

        int column = 0;
        foreach (var (value, component, vector) in found.OrderBy(pair => pair.Value).ThenBy(pair => pair.Component).Take(Count))
        {
            _values[((long)g * Count) + column] = (float)value;
            for (int i = 0; i < vector.Length; i++)
            {
                _vectors[((long)keyed.Vertices[components[component][i]] * Count) + column] = (float)vector[i];
            }

            column++;
        }

        return worst;
    }
}
