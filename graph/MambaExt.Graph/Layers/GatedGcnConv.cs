using MambaExt.Graph.Models;
using MambaExt.Normalization;
using MambaExt.Sparse;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// GatedGCN (Bresson and Laurent, arXiv 1711.07553; with edge features as in Dwivedi et al., arXiv 2003.00982), [V, d_in] to [V, d_out]:
/// <code>
/// e'_ij  = D x_i + E x_j + C e_ij
/// eta_ij = sigmoid(e'_ij) / (sum over j of sigmoid(e'_ij) + 1e-6)
/// y_i    = A x_i + sum over j of eta_ij * B x_j
/// e_ij  &lt;- e_ij + dropout(relu(batch_norm(e'_ij)))
/// </code>
/// Without edge features C and the last line are left out, and no tensor over the arcs is made. Norm, activation and residual of the vertices,
/// x_i + dropout(relu(batch_norm(y_i))), are the block's.
/// </summary>
public sealed class GatedGcnConv : GraphConvolution
{
    private readonly Linear A;
    private readonly Linear B;
    private readonly Linear D;
    private readonly Linear E;
    private readonly Linear? C;
    private readonly FusedBatchNorm? edge_norm;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_in">Channels of x, and of the arcs</param>
    /// <param name="d_out">Channels of y; with edge features that of x</param>
    /// <param name="edges">Reads and changes edge features</param>
    /// <param name="dropout">Of the change of the edge features</param>
    public GatedGcnConv(int d_in, int d_out, bool edges = false, double dropout = 0)
        : base(nameof(GatedGcnConv))
    {
        if (edges && d_in != d_out)
        {
            throw new ArgumentException($"GatedGCN with edge features was given widths {d_in} and {d_out}; its residual edges want them equal.");
        }

        A = nn.Linear(d_in, d_out);
        B = nn.Linear(d_in, d_out);
        C = edges ? nn.Linear(d_in, d_out) : null;
        D = nn.Linear(d_in, d_out);
        E = nn.Linear(d_in, d_out);
        edge_norm = edges ? new FusedBatchNorm(d_out, relu: true, dropout) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x) => Forward(graph, x, null).X;

    /// <inheritdoc/>
    public override (Tensor X, Tensor? Arcs) Forward(GraphInputs graph, Tensor x, Tensor? arcs)
    {
        if (arcs is null != C is null)
        {
            throw new ArgumentException($"GatedGCN was made {(C is null ? "without" : "with")} edge features and given {(arcs is null ? "none" : "some")}; give what it was made for.");
        }

        if (arcs is null)
        {
            return (Mix(graph.Adjacency, x), null);
        }

        using DisposeScope scope = NewDisposeScope();
        CsrMatrix neighbours = graph.Adjacency;
        Tensor own = A.forward(x), message = B.forward(x);                                                          // [V, d]
        Tensor changed = neighbours.ArcSum(D.forward(x), E.forward(x)) + C!.forward(arcs);                          // [2E, d]
        Tensor gate = changed.sigmoid();
        Tensor y = own + neighbours.GatedSum(message, gate) / (neighbours.RowSum(gate) + 1e-6);
        Tensor next = changed.shape[0] == 0 ? arcs.alias() : arcs + edge_norm!.forward(changed);
        return (y.MoveToOuterDisposeScope(), next.MoveToOuterDisposeScope());
    }

    /// <summary>As <see cref="forward"/> without edge features, over whatever rows are neighbours.</summary>
    internal Tensor Mix(CsrMatrix neighbours, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor own = A.forward(x), message = B.forward(x);                                                          // [R, d_out]
        return (own + neighbours.GatedMean(D.forward(x), E.forward(x), message)).MoveToOuterDisposeScope();
    }
}
