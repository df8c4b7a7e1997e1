using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>Any order as likely as any other, drawn from the seed: the yardstick of the orders that look at the graph.</summary>
public sealed class RandomOrder : NoisyOrder
{
    /// <inheritdoc/>
    public override string Name => "random";

    /// <inheritdoc/>
    public override long[] Scores(CsrGraph graph) => new long[graph.VertexCount];
}
