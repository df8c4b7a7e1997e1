using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// Graph convolution for many layers, with an initial residual and an identity mapping (Chen et al., arXiv 2007.02133, equation 5):
/// <c>h = (1 - alpha) A' x + alpha x_0</c>, <c>y = (1 - beta) h + beta h W</c>, A' = D^-1/2 (A + I) D^-1/2, beta = ln(theta / layer + 1). [V, d] to [V, d].
/// </summary>
public sealed class Gcn2Conv : GraphConvolution
{
    private readonly Linear linear;
    private readonly double _alpha;
    private readonly double _beta;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d">Channels</param>
    /// <param name="layer">Its number, 1 and on</param>
    /// <param name="alpha">Share of x_0</param>
    /// <param name="theta">How fast W comes in</param>
    public Gcn2Conv(int d, int layer, double alpha, double theta)
        : base(nameof(Gcn2Conv))
    {
        (_alpha, _beta) = (alpha, Math.Log((theta / layer) + 1));
        linear = nn.Linear(d, d, hasBias: false);
        RegisterComponents();
    }

    /// <summary>With x itself as x_0.</summary>
    public override Tensor forward(GraphInputs graph, Tensor x) => Propagate(graph, x, x);

    /// <summary>As <see cref="forward"/>, with what entered the first layer.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="x">[V, d]</param>
    /// <param name="initial">x_0, [V, d]</param>
    public Tensor Propagate(GraphInputs graph, Tensor x, Tensor initial)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = (graph.Normalized.Multiply(x) * (1 - _alpha)) + (initial * _alpha);
        return ((h * (1 - _beta)) + (linear.forward(h) * _beta)).MoveToOuterDisposeScope();
    }
}
