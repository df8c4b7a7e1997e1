using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>GraphSAGE with means (Hamilton, Ying and Leskovec, arXiv 1706.02216): <c>y_v = mean over neighbours(x) W + x_v W_self + b</c>; the
/// mean over no neighbours is zero. [V, d_in] to [V, d_out].</summary>
public sealed class SageConv : GraphConvolution
{
    private readonly Linear linear;
    private readonly Linear self;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x</param>
    /// <param name="d_out">Channels of y</param>
    public SageConv(int d_in, int d_out)
        : base(nameof(SageConv))
    {
        linear = nn.Linear(d_in, d_out);
        self = nn.Linear(d_in, d_out, hasBias: false);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return (linear.forward(graph.Mean.Multiply(x)) + self.forward(x)).MoveToOuterDisposeScope();
    }
}
