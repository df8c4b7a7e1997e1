using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>Any order as likely as any other, drawn from the seed: the yardstick of the orders that look at the graph.</summary>
public sealed class RandomOrder : IVertexOrder
{
    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public VertexOrder Order(CsrGraph graph, ulong seed, ReadOnlySpan<int> keys = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return NoisyOrder.Sort(graph.VertexCount, static _ => 0, seed, keys);
    }
}
