using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>
/// By personalized PageRank, ascending: as <see cref="PageRankOrder"/>, but who teleports goes to the hub of its connected component, a vertex of the
/// component's largest degree (to each of them alike where there are several). GMN (arXiv 2402.08678) orders by "PPR" without saying from which
/// vertices; teleports in proportion to the degree would give the degree again, and to every vertex PageRank. Equal ranks are shuffled by seeded noise.
/// </summary>
public sealed class PersonalizedPageRankOrder : NoisyOrder
{
    /// <inheritdoc/>
    public override string Name => "ppr";

    /// <inheritdoc/>
    public override long[] Scores(CsrGraph graph) => PageRank.RanksFromHubs(graph);
}
