using MambaExt.Graph.Models;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>The mean of x over the vertices of a token: behind a linear map of the features a linear encoder, which no tensor over the vertices of all
/// tokens is made for. [V, d] to [V, L, d].</summary>
/// <param name="M">Walks a token</param>
/// <param name="m">Steps of the longest walk</param>
/// <param name="s">Tokens a walk length</param>
public sealed class MeanTokenEncoder(int M, int m, int s) : TokenEncoder(nameof(MeanTokenEncoder))
{
    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrMatrix? means = graph.TokenMeans(M, m, s);
        return (means is null ? x : means.Multiply(x)).view(x.shape[0], -1, x.shape[1]).MoveToOuterDisposeScope();
    }
}
