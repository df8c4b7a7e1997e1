using MambaExt.Graph.Models;
using MambaExt.Graph.Tokens;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>An encoder with a row for each vertex, or step, of each token. They are many, so with recomputation some vertices go through at a time, and what
/// their tokens come to inside is computed again in the backward pass. Nothing in it may look at other tokens, as a batch norm would: how the
/// vertices are cut changes no result.</summary>
public abstract class PartwiseTokenEncoder : TokenEncoder
{
    // 128 MB for each tensor inside at 64 channels.
    private const int RowsAtOnce = 1 << 19;

    private readonly (int M, int m, int s) _walks;
    private readonly bool _recompute;

    /// <summary>Knows the walks.</summary>
    private protected PartwiseTokenEncoder(string name, int M, int m, int s, bool recompute)
        : base(name) => (_walks, _recompute) = ((M, m, s), recompute);

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        int most = _recompute ? RowsAtOnce : int.MaxValue;
        TokenParts parts = graph.Get((GetName(), _walks, most), () => Cut(graph.TokenSource(_walks.M, _walks.m, _walks.s), most));
        Tensor[] rows = [.. parts.Parts.Select(part => _recompute && training ? Recompute.Run(all => Encode(part, all), x) : Encode(part, x))];
        return (rows.Length == 1 ? rows[0] : cat(rows)).view(x.shape[0], -1, x.shape[1]).MoveToOuterDisposeScope();
    }

    /// <summary>What the encoder reads of the tokens of some vertices at a time.</summary>
    /// <param name="source">Graph and walks</param>
    /// <param name="most">Rows that a part may have, where a vertex alone has not more</param>
    private protected abstract TokenParts Cut(TokenSource source, int most);

    /// <summary>The tokens of a part, [n L, d].</summary>
    /// <param name="part">n vertices</param>
    /// <param name="x">[V, d] of all vertices</param>
    private protected abstract Tensor Encode(TokenPart part, Tensor x);
}
