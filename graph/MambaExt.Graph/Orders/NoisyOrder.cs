using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Orders;

/// <summary>Ascending by an integer score, equal scores by 64 bits of noise that belong to the vertex key, equal noise by the
/// key itself: a total order that vertex numbers do not enter.</summary>
internal static class NoisyOrder
{
    public static VertexOrder Sort(int vertices, Func<int, long> score, ulong seed, ReadOnlySpan<int> keys)
    {
        int[] ownKeys = VertexKeys.OrDefault(keys, vertices);
        var ranks = new (long Score, ulong Noise, int Key)[vertices];
        var permutation = new long[vertices];
        for (int v = 0; v < vertices; v++)
        {
            ranks[v] = (score(v), CounterRandom.ForKey(seed, RandomStream.Orders, ownKeys[v]), ownKeys[v]);
            permutation[v] = v;
        }

        Array.Sort(ranks, permutation);
        return new VertexOrder(permutation);
    }
}
