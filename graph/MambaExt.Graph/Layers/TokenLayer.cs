using MambaExt.Blocks;
using MambaExt.Graph.Models;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// The first stage of GMN (Behrouz and Hashemi, arXiv 2402.08678, algorithm 1) as a branch beside the input encoder: a <see cref="TokenScan"/> over
/// the means of x over each vertex's random-walk neighbourhoods. [V, d] to [V, d].
/// </summary>
public sealed class TokenLayer : GraphConvolution
{
    private readonly TokenScan scan;
    private readonly (int M, int m, int s) _walks;

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
        _walks = (M, m, s);
        scan = new TokenScan(options, scale, dropout);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrMatrix? means = graph.TokenMeans(_walks.M, _walks.m, _walks.s);
        Tensor rows = means is null ? x : means.Multiply(x);
        return scan.forward(rows.view(x.shape[0], -1, x.shape[1])).MoveToOuterDisposeScope();                       // [V, L, d] to [V, d]
    }
}
