using MambaExt.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>What follows a product in a block, <c>dropout(activation(norm(x)))</c>, [V, d] to [V, d], in as few passes as it takes.</summary>
public sealed class NormActivation : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor>? norm;
    private readonly bool _gelu;
    private readonly bool _relu;
    private readonly bool _whole;
    private readonly double _dropout;

    /// <summary>Makes the norm.</summary>
    /// <param name="width">d</param>
    /// <param name="norm">none, layer or batch</param>
    /// <param name="activation">none, relu or gelu</param>
    /// <param name="dropout">In training</param>
    public NormActivation(int width, string norm, string activation, double dropout)
        : base(nameof(NormActivation))
    {
        (_relu, _gelu, _dropout) = (activation == "relu", activation == "gelu", dropout);
        _whole = norm == "batch" && !_gelu;
        this.norm = norm switch
        {
            "batch" => new FusedBatchNorm(width, _relu, _whole ? dropout : 0),
            "layer" => nn.LayerNorm(width),
            _ => null,
        };
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = norm is null ? x : norm.forward(x);
        y = _whole ? y.alias() : FusedDropout.Apply(_gelu ? nn.functional.gelu(y) : y, _dropout, training, _relu);
        return y.MoveToOuterDisposeScope();
    }
}
