using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>Graph convolution (Kipf and Welling, arXiv 1609.02907): <c>y = A' x W + b</c>, A' = D^-1/2 (A + I) D^-1/2. [V, d_in] to [V, d_out].</summary>
public sealed class GcnConv : GraphConvolution
{
    private readonly Linear linear;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x</param>
    /// <param name="d_out">Channels of y</param>
    public GcnConv(int d_in, int d_out)
        : base(nameof(GcnConv))
    {
        linear = nn.Linear(d_in, d_out);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        return linear.forward(graph.Normalized.Multiply(x)).MoveToOuterDisposeScope();
    }
}
