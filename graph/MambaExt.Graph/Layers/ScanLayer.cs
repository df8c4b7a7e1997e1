using MambaExt.Blocks;
using MambaExt.Graph.Models;
using MambaExt.Graph.Orders;
using MambaExt.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// The bidirectional scan over the vertices in an order (Behrouz and Hashemi, arXiv 2402.08678, algorithm 2), as a branch beside a convolution:
/// <c>y = scale * dropout(unsort(bimamba(layer_norm(sort(x)))))</c>. The scale, one a channel (Touvron et al., arXiv 2103.17239), is learned from a
/// small number, so that the deep network begins as itself without the branch. [V, d] to [V, d], time linear in V.
/// </summary>
public sealed class ScanLayer : GraphConvolution
{
    private readonly LayerNorm norm;
    private readonly BidirectionalMambaBlock block;
    private readonly Parameter scale;
    private readonly IVertexOrder _order;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="options">Sizes of each direction</param>
    /// <param name="order">Of the vertices</param>
    /// <param name="scale">First value of every channel's</param>
    /// <param name="dropout">Of the branch</param>
    public ScanLayer(MambaOptions options, IVertexOrder order, double scale, double dropout = 0)
        : base(nameof(ScanLayer))
    {
        (_order, _dropout) = (order, dropout);
        norm = nn.LayerNorm(options.d_model);
        block = new BidirectionalMambaBlock(options);
        this.scale = nn.Parameter(full([options.d_model], scale).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        VertexSequence sequence = graph.Sequence(_order);
        Tensor y = block.Forward(norm.forward(sequence.Sort(x)), sequence.GraphOf);                                 // [1, V, d]
        return (FusedDropout.Apply(sequence.Unsort(y), _dropout, training) * scale).MoveToOuterDisposeScope();
    }
}
