using MambaExt.Graph.Tokens;
using MambaExt.Scan;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// Random-walk features (RWF), the encoder with which GMN (arXiv 2402.08678) is beyond any fixed Weisfeiler-Leman test, after CRaWl (Toenshoff et al.,
/// arXiv 2102.08786). [V, d] to [V, L, d]. For step i of each walk w of a token, with a window of W steps,
/// <code>
/// z_i = x[w_i] + B [w_i = w_(i-k) for k = 1 ... W | w_i joined to w_(i-k) for k = 2 ... W]
/// y_i = W_out relu(layer_norm(conv(z)_i))            along the walk
/// </code>
/// and the mean over the token's walks and their steps. x holds the linear map of the vertex features, B that of the bits: together CRaWl's map of their
/// concatenation. Two depthwise convolutions of four taps, one each way, stand for its one of nine; a layer norm for its batch norm, whose statistics over
/// all walks would need all of them at once. Walks are those that the tokens are the sets of.
/// </summary>
public sealed class WalkTokenEncoder : PartwiseTokenEncoder
{
    /// <summary>CRaWl's window, W; walks of fewer steps have no use for more than their own.</summary>
    public const int Window = 8;

    private const int Taps = 4;

    private readonly Parameter? bits;
    private readonly Parameter behind;
    private readonly Parameter ahead;
    private readonly LayerNorm norm;
    private readonly Linear linear;
    private readonly int _window;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_model">d</param>
    /// <param name="M">Walks a token</param>
    /// <param name="m">Steps of the longest walk</param>
    /// <param name="s">Tokens a walk length</param>
    /// <param name="recompute">Keep x alone for the backward pass</param>
    public WalkTokenEncoder(int d_model, int M, int m, int s, bool recompute = false)
        : base(nameof(WalkTokenEncoder), M, m, s, recompute)
    {
        _window = Math.Min(Window, m);
        double bound = Math.Sqrt(6.0 / (d_model + (2 * Window))), tap = 1 / Math.Sqrt(Taps);
        bits = _window == 0 ? null : nn.Parameter(empty((2 * _window) - 1, d_model).uniform_(-bound, bound).DetachFromDisposeScope());
        behind = nn.Parameter(empty(d_model, Taps).uniform_(-tap, tap).DetachFromDisposeScope());
        ahead = nn.Parameter(empty(d_model, Taps).uniform_(-tap, tap).DetachFromDisposeScope());
        norm = nn.LayerNorm(d_model);
        linear = nn.Linear(d_model, d_model);
        RegisterComponents();
    }

    private protected override TokenParts Cut(TokenSource source, int most) => source.Walks(_window, most);

    private protected override Tensor Encode(TokenPart part, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor z = part.Rows.Sum(bits is null ? x : cat([x, bits]));                                                // [steps, d]
        Tensor[] along = [.. part.Walks!.Select(walks => Along(z.narrow(0, walks.Start, (long)walks.Count * walks.Length).view(walks.Count, walks.Length, -1)))];
        Tensor y = linear.forward(norm.forward(cat(along)).relu());
        return part.Means.Multiply(y).MoveToOuterDisposeScope();                                                    // [n L, d]
    }

    /// <summary>[walks, steps, d] to [walks * steps, d].</summary>
    private Tensor Along(Tensor z) =>
        (CausalConv1d.Apply(z, behind, silu: false) + CausalConv1d.Apply(z, ahead, silu: false, reverse: true)).view(-1, z.shape[2]);
}
