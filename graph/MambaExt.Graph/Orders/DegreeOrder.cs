using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>By degree, ascending: what comes later has seen more, so vertices of many neighbours come last (GMN, arXiv
/// 2402.08678, section 4.2; ascending as in arXiv 2402.00789). Equal degrees are shuffled by seeded noise.</summary>
public sealed class DegreeOrder : NoisyOrder
{
    /// <inheritdoc/>
    public override string Name => "degree";

    /// <inheritdoc/>
    public override long[] Scores(CsrGraph graph) => [.. Enumerable.Range(0, graph.VertexCount).Select(v => (long)graph.Degree(v))];
}
