using MambaExt.Graph.Orders;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>Vertices in the order of a scan and back, several graphs end to end: rows of a tensor are gathered, with gradients, and nothing
/// leaves its graph. May be disposed before the backward pass.</summary>
public sealed class VertexSequence : IDisposable
{
    private readonly Tensor _order;
    private readonly Tensor _inverse;
    private readonly bool _ownsGraphOf;

    /// <summary>From an order over all vertices.</summary>
    /// <param name="order">Vertex at each position, [V]</param>
    /// <param name="graphOf">Graph of each vertex, [V], ascending, or nothing for one graph</param>
    /// <param name="device">Where the rows lie; the CPU unless given</param>
    public VertexSequence(VertexOrder order, ReadOnlySpan<int> graphOf = default, Device? device = null)
        : this(order, graphOf, Packed(graphOf, device), device) => _ownsGraphOf = true;

    /// <summary>As the other constructor, with the graphs of the positions from outside.</summary>
    internal VertexSequence(VertexOrder order, ReadOnlySpan<int> graphOf, Tensor? packed, Device? device)
    {
        long[] positions = order.Permutation, inverse = order.Inverse;
        if (!graphOf.IsEmpty)
        {
            int[] graphs = graphOf.ToArray();

            // A stable sort keeps the rule's order within each graph.
            positions = [.. positions.OrderBy(v => graphs[v])];
            inverse = new VertexOrder(positions).Inverse;
        }

        GraphOf = packed;
        _order = tensor(positions, device: device).DetachFromDisposeScope();
        _inverse = tensor(inverse, device: device).DetachFromDisposeScope();
    }

    /// <summary>Graph of each position, int32 [1, V], as scans take it; null for one graph.</summary>
    public Tensor? GraphOf { get; }

    /// <summary>[V, d] in vertex order to [1, V, d] in scan order.</summary>
    public Tensor Sort(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return RowPermutation.Apply(x, _order, _inverse).unsqueeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>[1, V, d] in scan order to [V, d] in vertex order.</summary>
    public Tensor Unsort(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return RowPermutation.Apply(x.squeeze(0), _inverse, _order).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _order.Dispose();
        _inverse.Dispose();
        if (_ownsGraphOf)
        {
            GraphOf?.Dispose();
        }
    }

    /// <summary>Graphs lie in their own order, so a position is of the graph of the vertex of that number: int32 [1, V], null for one graph.</summary>
    internal static Tensor? Packed(ReadOnlySpan<int> graphOf, Device? device) =>
        graphOf.IsEmpty ? null : tensor(graphOf.ToArray(), [1, graphOf.Length], ScalarType.Int32, device).DetachFromDisposeScope();
}
