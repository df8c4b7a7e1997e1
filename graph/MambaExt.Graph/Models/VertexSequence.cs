using MambaExt.Graph.Orders;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>Vertices in the order of a scan and back, several graphs end to end: rows of a tensor are gathered, with gradients, and nothing
/// leaves its graph.</summary>
public sealed class VertexSequence : IDisposable
{
    private readonly CsrMatrix _sort;
    private readonly CsrMatrix _unsort;

    /// <summary>From an order over all vertices.</summary>
    /// <param name="order">Vertex at each position, [V]</param>
    /// <param name="graphOf">Graph of each vertex, [V], ascending, or nothing for one graph</param>
    /// <param name="device">Where the rows lie; the CPU unless given</param>
    public VertexSequence(VertexOrder order, ReadOnlySpan<int> graphOf = default, Device? device = null)
    {
        int[] positions = [.. order.Permutation.Select(v => (int)v)];
        if (!graphOf.IsEmpty)
        {
            int[] graphs = graphOf.ToArray();

            // A stable sort keeps the rule's order within each graph.
            positions = [.. positions.OrderBy(v => graphs[v])];
            GraphOf = tensor([.. positions.Select(v => graphs[v])], [1, positions.Length], ScalarType.Int32, device).DetachFromDisposeScope();
        }

        var inverse = new int[positions.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            inverse[positions[i]] = i;
        }

        long[] one = [.. Enumerable.Range(0, positions.Length + 1).Select(i => (long)i)];
        _sort = new CsrMatrix(positions.Length, one, positions);
        _unsort = new CsrMatrix(positions.Length, one, inverse);
    }

    /// <summary>Graph of each position, int32 [1, V], as scans take it; null for one graph.</summary>
    public Tensor? GraphOf { get; }

    /// <summary>[V, d] in vertex order to [1, V, d] in scan order.</summary>
    public Tensor Sort(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return _sort.Sum(x).unsqueeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>[1, V, d] in scan order to [V, d] in vertex order.</summary>
    public Tensor Unsort(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return _unsort.Sum(x.squeeze(0)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sort.Dispose();
        _unsort.Dispose();
        GraphOf?.Dispose();
    }
}
