using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.Orders;

/// <summary>A rule that puts the vertices of a graph in a row for a scan.</summary>
public interface IVertexOrder
{
    /// <summary>Name in options and reports.</summary>
    string Name { get; }

    /// <summary>What the rule sorts by, ascending, [V]; equal scores are told apart by noise.</summary>
    long[] Scores(CsrGraph graph);

    /// <summary>The order of the vertices of <paramref name="graph"/>.</summary>
    /// <param name="graph">V vertices.</param>
    /// <param name="seed">Seed of the order's noise alone; another seed is another draw.</param>
    /// <param name="keys">A different int for each vertex that noise is tied to, [V], or nothing for the vertex numbers.
    /// Relabelling vertices together with their keys relabels the order and changes nothing else.</param>
    VertexOrder Order(CsrGraph graph, ulong seed, ReadOnlySpan<int> keys = default);
}
