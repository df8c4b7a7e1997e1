using MambaExt.Blocks;
using MambaExt.Graph.Models;
using MambaExt.Graph.Orders;
using MambaExt.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// A layer of Graph-Mamba (Wang et al., arXiv 2402.00789, algorithms 1 and 2): GatedGCN beside a Mamba block that scans the vertices in one direction,
/// ascending in importance, then an MLP. [V, d] to [V, d], and the edges' states with it.
/// <code>
/// y, E'  = gatedgcn(X, E)
/// X_M    = norm(X + dropout(relu(norm(y))))
/// X_G    = norm(X + dropout(unsort(mamba(sort(X)))))                     form code
/// X_G    = dropout(X + unsort(mamba(layer_norm(sort(X)))))               form paper
/// X      = X_M + X_G
/// X      = norm(X + dropout(linear(dropout(relu(linear(X))))))           d to 2d to d
/// </code>
/// Norms are batch norms but the one named otherwise. In training each call draws one order, with new noise among equals; in evaluation the scan is the mean
/// over several draws, which are the same each time.
/// </summary>
public sealed class GmbLayer : nn.Module
{
    private readonly GatedGcnConv gated;
    private readonly FusedBatchNorm gated_norm;
    private readonly FusedBatchNorm local_norm;
    private readonly LayerNorm? scan_norm;
    private readonly FusedBatchNorm? global_norm;
    private readonly MambaBlock mamba;
    private readonly Linear mlp_in;
    private readonly Linear mlp_out;
    private readonly FusedBatchNorm mlp_norm;
    private readonly OrderedScan _orders;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="options">Sizes and the form</param>
    /// <param name="edges">Edges have states</param>
    public GmbLayer(GmbOptions options, bool edges)
        : base(nameof(GmbLayer))
    {
        int d = options.d_model;
        (_orders, _dropout) = (new OrderedScan(VertexOrders.Named(options.order), options.order_noise, options.eval_orders), options.dropout);
        gated = new GatedGcnConv(d, d, edges, _dropout);
        gated_norm = new FusedBatchNorm(d, relu: true, _dropout);
        local_norm = new FusedBatchNorm(d);
        scan_norm = options.form == "paper" ? nn.LayerNorm(d) : null;
        global_norm = options.form == "code" ? new FusedBatchNorm(d) : null;
        mamba = new MambaBlock(options.Block);
        mlp_in = nn.Linear(d, 2 * d);
        mlp_out = nn.Linear(2 * d, d);
        mlp_norm = new FusedBatchNorm(d);
        RegisterComponents();
    }

    /// <summary>X and E to those of the next layer.</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="x">[V, d]</param>
    /// <param name="arcs">[2E, d] in the order of the graph's targets, or null where edges have no states</param>
    public (Tensor X, Tensor? Arcs) Forward(GraphInputs graph, Tensor x, Tensor? arcs)
    {
        using DisposeScope scope = NewDisposeScope();
        var (y, next) = gated.Forward(graph, x, arcs);
        Tensor local = local_norm.forward(x + gated_norm.forward(y));
        Tensor scanned = _orders.Forward(graph, x, training, (rows, graphs) => mamba.Forward(scan_norm is null ? rows : scan_norm.forward(rows), graphs));
        Tensor global = global_norm is null ? Drop(x + scanned) : global_norm.forward(x + Drop(scanned));
        Tensor z = local + global;
        z = mlp_norm.forward(z + Drop(mlp_out.forward(FusedDropout.Apply(mlp_in.forward(z), _dropout, training, relu: true))));
        return (z.MoveToOuterDisposeScope(), next is null || ReferenceEquals(next, arcs) ? next : next.MoveToOuterDisposeScope());
    }

    private Tensor Drop(Tensor x) => FusedDropout.Apply(x, _dropout, training);
}
