using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Orders;

/// <summary>Ascending by an integer score, equal scores by 64 bits of noise that belong to the vertex key, equal noise by the
/// key itself: a total order that vertex numbers do not enter.</summary>
public abstract class NoisyOrder : IVertexOrder
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract long[] Scores(CsrGraph graph);

    /// <inheritdoc/>
    public VertexOrder Order(CsrGraph graph, ulong seed, ReadOnlySpan<int> keys = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Sort(Scores(graph), seed, VertexKeys.OrDefault(keys, graph.VertexCount));
    }

    /// <summary>The order of scores that are known.</summary>
    /// <param name="scores">[V]</param>
    /// <param name="seed">Of the noise</param>
    /// <param name="keys">[V], all different</param>
    internal static VertexOrder Sort(long[] scores, ulong seed, int[] keys)
    {
        var ranks = new (long Score, ulong Noise, int Key)[scores.Length];
        var permutation = new long[scores.Length];
        for (int v = 0; v < scores.Length; v++)
        {
            ranks[v] = (scores[v], CounterRandom.ForKey(seed, RandomStream.Orders, keys[v]), keys[v]);
            permutation[v] = v;
        }

        Array.Sort(ranks, permutation);
        return new VertexOrder(permutation);
    }
}
