using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>By PageRank (Brin and Page 1998, damping 0.85), ascending; equal ranks are shuffled by seeded noise.</summary>
public sealed class PageRankOrder : IVertexOrder
{
    /// <inheritdoc/>
    public string Name => "pagerank";

    /// <inheritdoc/>
    public VertexOrder Order(CsrGraph graph, ulong seed, ReadOnlySpan<int> keys = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        long[] ranks = PageRank.Ranks(graph);
        return NoisyOrder.Sort(graph.VertexCount, v => ranks[v], seed, keys);
    }
}
