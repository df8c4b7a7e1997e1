using MambaExt.Graph.Models;
using MambaExt.Normalization;
using MambaExt.Sparse;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// Graph isomorphism network (Xu et al., arXiv 1810.00826): <c>y_v = mlp((1 + eps) x_v + sum over neighbours of x_j)</c>, eps learned from 0; with
/// edge features GINE (Hu et al., arXiv 1905.12265), the sum of <c>relu(x_j + e_vj)</c>. The MLP has two layers with batch norm and ReLU
/// between them. [V, d_in] to [V, d_out].
/// </summary>
public sealed class GinConv : GraphConvolution
{
    private readonly Parameter eps;
    private readonly Linear first;
    private readonly FusedBatchNorm norm;
    private readonly Linear second;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x, and of the arcs</param>
    /// <param name="d_out">Channels of y</param>
    public GinConv(int d_in, int d_out)
        : base(nameof(GinConv))
    {
        eps = nn.Parameter(zeros(1).DetachFromDisposeScope());
        first = nn.Linear(d_in, d_out);
        norm = new FusedBatchNorm(d_out, relu: true);
        second = nn.Linear(d_out, d_out);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x) => Forward(graph, x, null).X;

    /// <inheritdoc/>
    public override (Tensor X, Tensor? Arcs) Forward(GraphInputs graph, Tensor x, Tensor? arcs)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrMatrix neighbours = graph.Adjacency;
        Tensor sum = arcs is null ? neighbours.Sum(x) : neighbours.RowSum((neighbours.ArcSum(null, x) + arcs).relu());
        Tensor y = second.forward(norm.forward(first.forward(x * (1 + eps) + sum)));
        return (y.MoveToOuterDisposeScope(), arcs);
    }
}
