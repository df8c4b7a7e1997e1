using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>By degree, ascending: what comes later has seen more, so vertices of many neighbours come last (GMN, arXiv
/// 2402.08678, section 4.2; ascending as in arXiv 2402.00789). Equal degrees are shuffled by seeded noise.</summary>
public sealed class DegreeOrder : IVertexOrder
{
    /// <inheritdoc/>
    public string Name => "degree";

    /// <inheritdoc/>
    public VertexOrder Order(CsrGraph graph, ulong seed, ReadOnlySpan<int> keys = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return NoisyOrder.Sort(graph.VertexCount, v => graph.Degree(v), seed, keys);
    }
}
