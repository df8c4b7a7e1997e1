using MambaExt.Graph.Tokens;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// GatedGCN on the induced subgraph of each token, the encoder that GMN's authors name (arXiv 2402.08678, section 4.1), and the mean over the token's
/// vertices, which they leave open. [V, d] to [V, L, d]. For each vertex of each token, with messages from its neighbours in the same token alone,
/// <code>
/// h = x                                              of the vertex, in every token that it is in
/// h = h + relu(gatedgcn(layer_norm(h)))              once a layer
/// </code>
/// The layer norm stands where GatedGCN has a batch norm, whose statistics over all tokens would need all of them at once.
/// </summary>
public sealed class SubgraphTokenEncoder : PartwiseTokenEncoder
{
    private readonly ModuleList<LayerNorm> norms = new();
    private readonly ModuleList<GatedGcnConv> convs = new();

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_model">d</param>
    /// <param name="M">Walks a token</param>
    /// <param name="m">Steps of the longest walk</param>
    /// <param name="s">Tokens a walk length</param>
    /// <param name="layers">1 and more</param>
    /// <param name="recompute">Keep x alone for the backward pass</param>
    public SubgraphTokenEncoder(int d_model, int M, int m, int s, int layers = 1, bool recompute = false)
        : base(nameof(SubgraphTokenEncoder), M, m, s, recompute)
    {
        for (int i = 0; i < layers; i++)
        {
            norms.Add(nn.LayerNorm(d_model));
            convs.Add(new GatedGcnConv(d_model, d_model));
        }

        RegisterComponents();
    }

    private protected override TokenParts Cut(TokenSource source, int most) => source.Subgraphs(most);

    private protected override Tensor Encode(TokenPart part, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = part.Rows.Sum(x);                                                                                // [entries, d]
        for (int i = 0; i < convs.Count; i++)
        {
            h = h + convs[i].Mix(part.Neighbours!, norms[i].forward(h)).relu();
        }

        return part.Means.Multiply(h).MoveToOuterDisposeScope();                                                    // [n L, d]
    }
}
