using MambaExt.Graph.Layers;
using MambaExt.Graph.Orders;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// One layer of a <see cref="DeepGraphNetwork"/>, [V, d] to [V, d]. With h = norm(x) where the norm comes first, else x,
/// <code>
/// z = conv(h) [+ attention(h)] [+ scan(h)] [+ x W_residual]
/// z = dropout(activation(z))                 or dropout(activation(norm(z)))
/// z = dropout(z W + b)                       with mlp
/// x = z                                      or x + z with the identity as residual
/// x = x + dropout(mlp(layer_norm(x)))        with feed_forward
/// </code>
/// </summary>
internal sealed class DeepGraphBlock : nn.Module
{
    private readonly GraphConvolution conv;
    private readonly AttentionConv? attention;
    private readonly ScanLayer? scan;
    private readonly Linear? residual;
    private readonly NormActivation? before;
    private readonly NormActivation after;
    private readonly Linear? mlp;
    private readonly LayerNorm? feed_norm;
    private readonly Linear? feed_in;
    private readonly Linear? feed_out;
    private readonly NormActivation? feed_activation;
    private readonly NormActivation drop;
    private readonly bool _identity;

    public DeepGraphBlock(DeepGraphOptions options, int layer, bool arcs)
        : base(nameof(DeepGraphBlock))
    {
        int d = options.d_model;
        bool pre = options.norm_place == "pre";
        before = pre && options.norm != "none" ? new NormActivation(d, options.norm, "none", 0) : null;
        conv = options.Convolution(layer, arcs);
        residual = options.residual == "linear" ? nn.Linear(d, d) : null;
        attention = options.attention ? new AttentionConv(d, options.heads) : null;
        after = new NormActivation(d, pre ? "none" : options.norm, options.activation, options.dropout);
        mlp = options.mlp ? nn.Linear(d, d) : null;
        drop = new NormActivation(d, "none", "none", options.dropout);
        if (options.feed_forward)
        {
            feed_norm = nn.LayerNorm(d);
            feed_in = nn.Linear(d, 2 * d);
            feed_activation = new NormActivation(2 * d, "none", options.activation, options.dropout);
            feed_out = nn.Linear(2 * d, d);
        }

        scan = options.scan_every > 0 && layer % options.scan_every == 0 ? new ScanLayer(options.Block, VertexOrders.Named(options.order), options.layer_scale, options.dropout) : null;
        _identity = options.residual == "identity";
        RegisterComponents();
    }

    public (Tensor X, Tensor? Arcs) Forward(GraphInputs graph, Tensor x, Tensor initial, Tensor? arcs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor h = before is null ? x : before.forward(x);
        var (z, next) = conv is Gcn2Conv deep ? (deep.Propagate(graph, h, initial), arcs) : conv.Forward(graph, h, arcs);
        z = attention is null ? z : z + attention.forward(graph, h);
        z = scan is null ? z : z + scan.forward(graph, h);
        z = residual is null ? z : z + residual.forward(x);
        z = after.forward(z);
        z = mlp is null ? z : drop.forward(mlp.forward(z));
        z = _identity ? x + z : z;
        if (feed_norm is not null)
        {
            z = z + drop.forward(feed_out!.forward(feed_activation!.forward(feed_in!.forward(feed_norm.forward(z)))));
        }

        return (z.MoveToOuterDisposeScope(), ReferenceEquals(next, arcs) ? next : next!.MoveToOuterDisposeScope());
    }
}
