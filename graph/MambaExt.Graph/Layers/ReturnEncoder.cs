using MambaExt.Graph.Models;
using MambaExt.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>RWSE as in GraphGPS (Rampasek et al., arXiv 2205.12454): the probabilities that a random walk has returned after 1 ... K steps through batch norm
/// and a linear layer, [V, K] to [V, p].</summary>
internal sealed class ReturnEncoder : nn.Module<GraphInputs, Tensor>
{
    private readonly FusedBatchNorm norm;
    private readonly Linear linear;
    private readonly int _steps;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="width">p</param>
    /// <param name="steps">K</param>
    public ReturnEncoder(int width, int steps)
        : base(nameof(ReturnEncoder))
    {
        _steps = steps;
        norm = new FusedBatchNorm(steps);
        linear = nn.Linear(steps, width);
        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        return linear.forward(norm.forward(inputs.ReturnProbabilities(_steps))).MoveToOuterDisposeScope();
    }
}
