using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>The first layer: dropout of the input features, then <c>X W + b</c>, sparse where the features are. [V, F] to [V, d].</summary>
internal sealed class FeatureLinear : nn.Module<GraphInputs, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly double _dropout;

    public FeatureLinear(int features, int width, double dropout)
        : base(nameof(FeatureLinear))
    {
        double bound = Math.Sqrt(6.0 / (features + width));
        weight = nn.Parameter(empty(features, width).uniform_(-bound, bound).DetachFromDisposeScope());
        bias = nn.Parameter(zeros(width).DetachFromDisposeScope());
        _dropout = dropout;
        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();

        // Zeros stay zeros under dropout, so for sparse features it is the stored values that are dropped.
        Tensor values = training && _dropout > 0 ? nn.functional.dropout(inputs.Values, _dropout, training: true) : inputs.Values;
        Tensor product = inputs.SparseFeatures is { } sparse ? sparse.WeightedSum(weight, values) : values.matmul(weight);
        return (product + bias).MoveToOuterDisposeScope();
    }
}
