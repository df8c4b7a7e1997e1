using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>
/// Two Mamba blocks over the same sequence, one from each end, each with its own weights (Behrouz and Hashemi, "Graph Mamba",
/// arXiv 2402.08678, algorithm 2): <c>out = (Y_f + Y_b) W_out</c>. The backward one scans in reverse; nothing is flipped, so packed
/// sequences of any length never see one another. Without the backward block it is the paper's one-directional ablation, <c>out = Y_f W_out</c>.
/// </summary>
public sealed class BidirectionalMambaBlock : nn.Module<Tensor, Tensor>
{
    private readonly MambaBlock forward_block;
    private readonly MambaBlock? backward_block;
    private readonly Linear? out_proj;

    /// <summary>Makes both directions.</summary>
    /// <param name="options">Sizes of each direction</param>
    /// <param name="mix">End with W_out [d_model, d_model], as the paper; else the sum of the directions is the result</param>
    /// <param name="backward">Scan from the far end too; else each position sees those before it alone</param>
    public BidirectionalMambaBlock(MambaOptions options, bool mix = true, bool backward = true)
        : base(nameof(BidirectionalMambaBlock))
    {
        forward_block = new MambaBlock(options);
        backward_block = backward ? new MambaBlock(options) : null;
        out_proj = mix ? nn.Linear(options.d_model, options.d_model, hasBias: false) : null;
        RegisterComponents();
    }

    /// <summary>[B, L, d_model] to [B, L, d_model], each position seeing all, or without the backward block those before it.</summary>
    public override Tensor forward(Tensor hidden) => Forward(hidden);

    /// <summary>As <see cref="forward"/>, over packed sequences.</summary>
    /// <param name="hidden">[B, L, d_model]</param>
    /// <param name="seq_idx">int32 [B, L] of packed sequences; none sees another</param>
    public Tensor Forward(Tensor hidden, Tensor? seq_idx = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = forward_block.Forward(hidden, seq_idx);
        sum = backward_block is null ? sum : sum + backward_block.Forward(hidden, seq_idx, reverse: true);
        return (out_proj is null ? sum : out_proj.forward(sum)).MoveToOuterDisposeScope();
    }
}
