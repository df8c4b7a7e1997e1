using MambaExt.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Students;

/// <summary>A layer of a <see cref="PatchMamba"/>: <c>x + mixer(norm(x))</c>.</summary>
internal sealed class PatchLayer : nn.Module<Tensor, Tensor>
{
    private readonly RmsNorm norm;
    private readonly ScanMixer mixer;

    public PatchLayer(PatchMambaOptions options)
        : base(nameof(PatchLayer))
    {
        norm = new RmsNorm(options.d_model);
        mixer = new ScanMixer(options);
        RegisterComponents();
    }

    /// <summary>[B, L, D] to [B, L, D].</summary>
    public override Tensor forward(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        return (hidden + mixer.call(norm.call(hidden))).MoveToOuterDisposeScope();
    }
}
