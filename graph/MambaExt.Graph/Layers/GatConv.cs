using MambaExt.Graph.Models;
using MambaExt.Normalization;
using MambaExt.Sparse;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// Graph attention (Velickovic et al., arXiv 1710.10903) over the neighbours and the vertex itself, H heads of d_out / H channels:
/// <code>
/// h     = x W                                             [V, H, d_out / H]
/// s_vj  = leaky_relu(a_target . h_v + a_source . h_j)     slope 0.2, a number a head
/// p_vj  = softmax of s_vj over j, dropped out
/// y_v   = sum over j of p_vj h_j + b                      heads side by side, [V, d_out]
/// </code>
/// </summary>
public sealed class GatConv : GraphConvolution
{
    private readonly Linear linear;
    private readonly Parameter a_target;
    private readonly Parameter a_source;
    private readonly Parameter bias;
    private readonly int _heads;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x</param>
    /// <param name="d_out">Channels of y</param>
    /// <param name="heads">H, a divisor of d_out</param>
    /// <param name="dropout">Of the attention</param>
    public GatConv(int d_in, int d_out, int heads, double dropout = 0)
        : base(nameof(GatConv))
    {
        if (heads < 1 || d_out % heads != 0)
        {
            throw new ArgumentException($"There are {heads} heads for {d_out} channels; give a divisor of the channels.");
        }

        (_heads, _dropout) = (heads, dropout);
        linear = nn.Linear(d_in, d_out, hasBias: false);
        nn.init.xavier_uniform_(linear.weight!);
        double bound = Math.Sqrt(6.0 / (1 + (d_out / heads)));
        a_target = nn.Parameter(empty(heads, d_out / heads).uniform_(-bound, bound).DetachFromDisposeScope());
        a_source = nn.Parameter(empty(heads, d_out / heads).uniform_(-bound, bound).DetachFromDisposeScope());
        bias = nn.Parameter(zeros(d_out).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrMatrix arcs = graph.AdjacencyWithLoops;
        Tensor h = linear.forward(x);                                                                               // [V, d]
        Tensor byHead = h.view(h.shape[0], _heads, -1);
        Tensor score = arcs.ArcSum((byHead * a_target).sum(2L), (byHead * a_source).sum(2L));                       // [E, H]
        Tensor attention = arcs.RowSoftmax(nn.functional.leaky_relu(score, 0.2));
        attention = FusedDropout.Apply(attention, _dropout, training);
        return (arcs.WeightedSum(h, attention) + bias).MoveToOuterDisposeScope();
    }
}
