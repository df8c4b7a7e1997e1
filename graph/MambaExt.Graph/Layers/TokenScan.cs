using MambaExt.Blocks;
using MambaExt.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// A bidirectional layer over the tokens of each vertex, the farthest neighbourhood first and the vertex last, as a branch:
/// <c>y = scale * dropout(last(bimamba(layer_norm(tokens))))</c>. [V, L, d] to [V, d]. The scale, one a channel (Touvron et al., arXiv
/// 2103.17239), is learned from a small number.
/// </summary>
public sealed class TokenScan : nn.Module<Tensor, Tensor>
{
    private readonly LayerNorm norm;
    private readonly BidirectionalMambaBlock block;
    private readonly Parameter scale;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="options">Sizes of each direction</param>
    /// <param name="scale">First value of every channel's</param>
    /// <param name="dropout">Of the branch</param>
    public TokenScan(MambaOptions options, double scale, double dropout = 0)
        : base(nameof(TokenScan))
    {
        _dropout = dropout;
        norm = nn.LayerNorm(options.d_model);
        block = new BidirectionalMambaBlock(options);
        this.scale = nn.Parameter(full([options.d_model], scale).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = block.forward(norm.forward(tokens)).select(1, tokens.shape[1] - 1);
        return (FusedDropout.Apply(y, _dropout, training) * scale).MoveToOuterDisposeScope();
    }
}
