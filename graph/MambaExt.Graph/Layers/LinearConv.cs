using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>No neighbours at all, <c>y = x W + b</c>: what makes of the deep model the multilayer perceptron that every graph layer has to beat.
/// [V, d_in] to [V, d_out].</summary>
public sealed class LinearConv : GraphConvolution
{
    private readonly Linear linear;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x</param>
    /// <param name="d_out">Channels of y</param>
    public LinearConv(int d_in, int d_out)
        : base(nameof(LinearConv))
    {
        linear = nn.Linear(d_in, d_out);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x) => linear.forward(x);
}
