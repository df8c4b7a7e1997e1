using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>Root-mean-square norm (Zhang and Sennrich, arXiv 1910.07467): <c>x / sqrt(mean(x^2) + eps) * weight</c> over the last
/// dimension, computed in float32 for narrower types.</summary>
public sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    private readonly Parameter weight;

    /// <summary>Starts with weight 1.</summary>
    /// <param name="d_model">Size of the last dimension</param>
    /// <param name="eps">Added to the mean square</param>
    public RmsNorm(int d_model, double eps = 1e-5)
        : base(nameof(RmsNorm))
    {
        if (d_model < 1 || !(eps >= 0 && double.IsFinite(eps)))
        {
            throw new ArgumentException($"RmsNorm was given d_model {d_model} and eps {eps}; d_model must be 1 or more and eps finite and not negative.");
        }

        Eps = eps;
        weight = nn.Parameter(ones(d_model).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <summary>Added to the mean square.</summary>
    public double Eps { get; }

    /// <summary>[..., d_model] to [..., d_model], of x's type.</summary>
    public override Tensor forward(Tensor x)
    {
        long[] shape = x.shape;
        if (shape.Length == 0 || shape[^1] != weight.shape[0] || !x.is_floating_point())
        {
            throw new ArgumentException($"x is {x.dtype} [{string.Join(", ", shape)}], expected a floating-point [..., {weight.shape[0]}]; make the norm with the size of x's last dimension.");
        }

        using DisposeScope scope = NewDisposeScope();
        bool narrow = x.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        Tensor wide = narrow ? x.to_type(ScalarType.Float32) : x;
        Tensor normal = wide * rsqrt(wide.square().mean([-1L], keepdim: true) + Eps) * weight;
        return (normal.dtype == x.dtype ? normal : normal.to_type(x.dtype)).MoveToOuterDisposeScope();
    }
}
