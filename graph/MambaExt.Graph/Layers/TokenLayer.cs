using MambaExt.Blocks;
using MambaExt.Graph.Models;
using MambaExt.Normalization;
using MambaExt.Sparse;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// The first stage of GMN (Behrouz and Hashemi, arXiv 2402.08678, algorithm 1) as a branch beside the input encoder: the means of x over each
/// vertex's random-walk neighbourhoods, the farthest first and the vertex last, through a bidirectional layer; the last row stands for the vertex.
/// <c>y = scale * dropout(last(bimamba(layer_norm(tokens(x)))))</c>, [V, d] to [V, d].
/// </summary>
public sealed class TokenLayer : GraphConvolution
{
    private readonly LayerNorm norm;
    private readonly BidirectionalMambaBlock block;
    private readonly Parameter scale;
    private readonly (int M, int m, int s) _walks;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="options">Sizes of each direction</param>
    /// <param name="M">Walks a token</param>
    /// <param name="m">Steps of the longest walk</param>
    /// <param name="s">Tokens a walk length</param>
    /// <param name="scale">First value of every channel's</param>
    /// <param name="dropout">Of the branch</param>
    public TokenLayer(MambaOptions options, int M, int m, int s, double scale, double dropout = 0)
        : base(nameof(TokenLayer))
    {
        (_walks, _dropout) = ((M, m, s), dropout);
        norm = nn.LayerNorm(options.d_model);
        block = new BidirectionalMambaBlock(options);
        this.scale = nn.Parameter(full([options.d_model], scale).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrMatrix? means = graph.TokenMeans(_walks.M, _walks.m, _walks.s);
        Tensor rows = means is null ? x : means.Multiply(x);
        Tensor tokens = norm.forward(rows.view(x.shape[0], -1, x.shape[1]));                                        // [V, L, d]
        Tensor y = block.forward(tokens).select(1, tokens.shape[1] - 1);
        return (FusedDropout.Apply(y, _dropout, training) * scale).MoveToOuterDisposeScope();
    }
}
