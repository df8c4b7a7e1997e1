using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>The first layer: dropout of the input features or of all features of a vertex, then <c>X W + b</c>, sparse where the features are; beside it, where the options want them,
/// the encodings of the vertices' places, <c>[X W + b | LapPE | RWSE]</c>, and added to it what the known labels embed to, <c>X W + b + Y W_y</c> (Shi et
/// al., arXiv 2009.03509, equation 5). [V, F] to [V, d].</summary>
internal sealed class FeatureEncoder : nn.Module<GraphInputs, Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly Parameter? label_weight;
    private readonly LaplacianEncoder? lap_pe;
    private readonly ReturnEncoder? rwse;
    private readonly double _dropout;
    private readonly double _vertexDropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="options">Width, dropout, encodings and known labels</param>
    /// <param name="biased">Adds b; without it, on one-hot features, the layer is a sum of embedding tables</param>
    public FeatureEncoder(int features, int outputs, GraphModelOptions options, bool biased = true)
        : base(nameof(FeatureEncoder))
    {
        int width = options.d_model - options.lap_pe - options.rwse;
        double bound = Math.Sqrt(6.0 / (features + width));
        weight = nn.Parameter(empty(features, width).uniform_(-bound, bound).DetachFromDisposeScope());
        bias = biased ? nn.Parameter(zeros(width).DetachFromDisposeScope()) : null;
        label_weight = options.label_inputs > 0 ? nn.Parameter(empty(Math.Max(outputs, 2), width).uniform_(-bound, bound).DetachFromDisposeScope()) : null;
        lap_pe = options.lap_pe > 0 ? new LaplacianEncoder(options.lap_pe, options.lap_eigs) : null;
        rwse = options.rwse > 0 ? new ReturnEncoder(options.rwse, options.rwse_steps) : null;
        (_dropout, _vertexDropout) = (options.input_dropout, options.vertex_dropout);
        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();

        // Zeros stay zeros under dropout, so for sparse features it is the stored values that are dropped.
        Tensor values = training && _dropout > 0 ? nn.functional.dropout(inputs.Values, _dropout, training: true) : inputs.Values;
        Tensor product = inputs.SparseFeatures is { } sparse ? sparse.WeightedSum(weight, values) : values.matmul(weight);
        if (training && _vertexDropout > 0)
        {
            // The product of a row of zeros is a row of zeros.
            product = product * nn.functional.dropout(ones([product.shape[0], 1], product.dtype, product.device), _vertexDropout, training: true);
        }

        Tensor x = bias is null ? product : product + bias;
        x = label_weight is null ? x : x + (inputs.KnownLabels ?? throw new InvalidOperationException("The model reads known labels and the graph has none; give them with KnownLabels.")).matmul(label_weight);
        Tensor[] parts = [x, .. new[] { lap_pe?.forward(inputs), rwse?.forward(inputs) }.OfType<Tensor>()];
        return (parts.Length == 1 ? x : cat(parts, 1)).MoveToOuterDisposeScope();
    }
}
