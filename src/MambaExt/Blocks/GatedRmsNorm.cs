using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>The norm at the end of a Mamba-2 block: root mean square over each of the groups of the last dimension, with the gate
/// <c>silu(z)</c> before or after it. Computed in float32 for narrower types.</summary>
internal sealed class GatedRmsNorm : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly Mamba2Options _options;

    public GatedRmsNorm(Mamba2Options options)
        : base(nameof(GatedRmsNorm))
    {
        _options = options;
        weight = nn.Parameter(ones(options.d_inner).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <summary>[B, L, d_inner] and its gate to [B, L, d_inner], of y's type.</summary>
    public override Tensor forward(Tensor y, Tensor z)
    {
        using DisposeScope scope = NewDisposeScope();
        bool narrow = y.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        Tensor wide = narrow ? y.to_type(ScalarType.Float32) : y, gate = nn.functional.silu(narrow ? z.to_type(ScalarType.Float32) : z);
        wide = _options.norm_before_gate ? wide : wide * gate;
        Tensor groups = wide.unflatten(2, [_options.ngroups, _options.d_inner / _options.ngroups]);
        Tensor normal = (groups * rsqrt(groups.square().mean([-1L], keepdim: true) + _options.norm_eps)).flatten(2) * weight;
        normal = _options.norm_before_gate ? normal * gate : normal;
        return (normal.dtype == y.dtype ? normal : normal.to_type(y.dtype)).MoveToOuterDisposeScope();
    }
}
