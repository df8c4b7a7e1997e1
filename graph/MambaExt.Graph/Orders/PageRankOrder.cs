using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>By PageRank (Brin and Page 1998, damping 0.85), ascending; equal ranks are shuffled by seeded noise.</summary>
public sealed class PageRankOrder : NoisyOrder
{
    /// <inheritdoc/>
    public override string Name => "pagerank";

    /// <inheritdoc/>
    public override long[] Scores(CsrGraph graph) => PageRank.Ranks(graph);
}
