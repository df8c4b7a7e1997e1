using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Encodings;

/// <summary>
/// Random-walk structural encodings (Dwivedi et al., arXiv 2110.07875): the diagonals of P^1 ... P^K, P = D^-1 A, the probability that a walk is back where it
/// began. A walk at a vertex without neighbours stays, so there they are 1.
/// <para>
/// Exact, by sparse rows: with S = D^-1/2 A D^-1/2, which has the same diagonals, S^2a(v, v) = |S^a e_v|^2 and S^(2a+1)(v, v) = S^a e_v . S^(a+1) e_v, so
/// half the steps do. The rule for large graphs: a vertex may look at 2^31 / n arcs, n the vertices of its connected component (at least 16,384). The steps
/// whose neighbourhoods hold more are estimated instead: the share of 256 walks that are back, off by at most 0.031 (one standard error).
/// </para>
/// </summary>
public static class ReturnProbabilities
{
    private const double ArcsPerComponent = 1L << 31;
    private const long LeastArcs = 1 << 14;
    private const int Walks = 256;

    // Walks side by side wait for memory together.
    private const int Abreast = 16;
    private const int BlockVertices = 64;

    /// <summary>[V, K] row by row.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="steps">K, 1 to 65,535</param>
    /// <param name="seed">Of the walks, where there are any</param>
    /// <param name="keys">A different int for each vertex that walks are tied to, [V], or nothing for the vertex numbers</param>
    /// <param name="arcsPerVertex">What a vertex may look at; null for the rule above</param>
    /// <param name="token">Stops the work</param>
    public static float[] Of(CsrGraph graph, int steps, ulong seed, ReadOnlySpan<int> keys = default, long? arcsPerVertex = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, ushort.MaxValue);
        var keyed = new KeyedGraph(graph, keys);
        var allowed = new long[graph.VertexCount];
        foreach (int[] component in ConnectedComponents.Of(keyed.Graph))
        {
            Array.ForEach(component, v => allowed[v] = arcsPerVertex ?? Math.Max(LeastArcs, (long)(ArcsPerComponent / component.Length)));
        }

        var rows = new float[(long)graph.VertexCount * steps];
        var limits = new ParallelOptions { MaxDegreeOfParallelism = Compute.Threads, CancellationToken = token };
        Parallel.For(0, (graph.VertexCount + BlockVertices - 1) / BlockVertices, limits, () => new Row(graph.VertexCount), (block, _, row) =>
        {
            for (int v = block * BlockVertices; v < Math.Min(graph.VertexCount, (block + 1) * BlockVertices); v++)
            {
                Span<float> own = rows.AsSpan((int)((long)keyed.Vertices[v] * steps), steps);
                if (keyed.Graph.Degree(v) == 0)
                {
                    own.Fill(1);
                }
                else
                {
                    int known = row.Exact(keyed.Graph, v, allowed[v], own);
                    if (known < steps)
                    {
                        Estimate(keyed, v, seed, own, known);
                    }
                }
            }

            return row;
        }, static _ => { });
        return rows;
    }

    /// <summary>Steps from <paramref name="known"/> on.</summary>
    private static void Estimate(KeyedGraph keyed, int v, ulong seed, Span<float> own, int known)
    {
        own[known..].Clear();
        uint key = (uint)keyed.Keys[v];
        Span<int> at = stackalloc int[Abreast];
        Span<uint> numbers = stackalloc uint[4 * Abreast];
        for (int first = 0; first < Walks; first += Abreast)
        {
            at.Fill(v);
            for (int step = 0; step < own.Length; step++)
            {
                for (int walk = 0; walk < Abreast; walk++)
                {
                    Span<uint> four = numbers.Slice(4 * walk, 4);
                    if ((step & 3) == 0)
                    {
                        (four[0], four[1], four[2], four[3]) = CounterRandom.Block(
                            seed, key, (uint)(first + walk), (uint)(step >> 2) + 1, (uint)RandomStream.Encodings << CounterRandom.StreamShift);
                    }

                    ReadOnlySpan<int> neighbours = keyed.Graph.Neighbours(at[walk]);
                    at[walk] = neighbours[(int)(((ulong)four[step & 3] * (ulong)neighbours.Length) >> 32)];
                    own[step] += step >= known && at[walk] == v ? 1f / Walks : 0;
                }
            }
        }
    }

    /// <summary>Powers of S times a unit vector, as a list of vertices and their values. One a thread.</summary>
    private sealed class Row(int vertices)
    {
        private double[] _now = new double[vertices];
        private double[] _next = new double[vertices];
        private List<int> _there = [];
        private List<int> _reached = [];

        /// <summary>Writes steps until more arcs than allowed would be looked at; returns how many.</summary>
        public int Exact(CsrGraph graph, int v, long allowed, Span<float> own)
        {
            _there.Add(v);
            _now[v] = 1;
            int step = 0;
            for (; step < own.Length; step += 2)
            {
                foreach (int u in _there)
                {
                    allowed -= graph.Degree(u);
                }

                if (allowed < 0)
                {
                    break;
                }

                Advance(graph);
                own[step] = (float)Dot(_there, _next, _now);
                (_now, _next, _there, _reached) = (_next, _now, _reached, _there);
                Clear(_reached, _next);
                if (step + 1 < own.Length)
                {
                    own[step + 1] = (float)Dot(_there, _now, _now);
                }
            }

            Clear(_there, _now);
            return Math.Min(step, own.Length);
        }

        private void Advance(CsrGraph graph)
        {
            foreach (int u in _there)
            {
                double share = _now[u] / Math.Sqrt(graph.Degree(u));
                foreach (int w in graph.Neighbours(u))
                {
                    if (_next[w] == 0)
                    {
                        _reached.Add(w);
                    }

                    _next[w] += share;
                }
            }

            foreach (int w in _reached)
            {
                _next[w] /= Math.Sqrt(graph.Degree(w));
            }
        }

        private static double Dot(List<int> where, double[] a, double[] b)
        {
            double sum = 0;
            foreach (int u in where)
            {
                sum += a[u] * b[u];
            }

            return sum;
        }

        private static void Clear(List<int> where, double[] values)
        {
            foreach (int u in where)
            {
                values[u] = 0;
            }

            where.Clear();
        }
    }
}
