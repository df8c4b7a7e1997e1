using MambaExt.Blocks;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Models;

/// <summary>Sizes and switches of a <see cref="GraphMamba"/>.</summary>
public sealed record GraphMambaOptions : GraphModelOptions
{
    /// <summary>State size of the scans.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>Taps of the convolutions.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>Inner width of a block over d_model.</summary>
    public int expand { get; init; } = 1;

    /// <summary>Whether there is a scan branch.</summary>
    public bool scan { get; init; } = true;

    /// <summary>Walks a token.</summary>
    public int M { get; init; } = 8;

    /// <summary>Steps of the longest walk; 0 leaves the vertex as its only token.</summary>
    public int m { get; init; } = 3;

    /// <summary>Tokens a walk length.</summary>
    public int s { get; init; } = 1;

    /// <summary>What a token comes to, one of <see cref="TokenEncoder.Names"/>: mean, of the encoded features of its vertices; gatedgcn, on its induced
    /// subgraph; rwf, random-walk features of its walks.</summary>
    public string token_encoder { get; init; } = "mean";

    /// <summary>Layers of <see cref="token_encoder"/> gatedgcn.</summary>
    public int encoder_layers { get; init; } = 1;

    /// <summary>Which way the scans go: both, as in the paper, or forward alone, its ablation.</summary>
    public string direction { get; init; } = "both";

    /// <summary>Bidirectional layers over the tokens of a vertex.</summary>
    public int token_layers { get; init; } = 1;

    /// <summary>Bidirectional layers over the vertices in scan order.</summary>
    public int node_layers { get; init; } = 1;

    /// <summary>What stands for a vertex after the token layers: last, its own row as in the paper, or mean, of all its rows.</summary>
    public string readout { get; init; } = "last";

    /// <summary>What each scan layer's contribution is scaled by at first; a small number lets a deep or weakly supervised model begin
    /// as one without it.</summary>
    public double layer_scale { get; init; } = 1;

    /// <summary>A layer norm before each scan layer. Without it (as the code of arXiv 2402.00789) a weak signal stays weak, which few
    /// labels need.</summary>
    public bool scan_norm { get; init; } = true;

    /// <summary>Scan layers keep their inputs alone and run forward again in the backward pass: less memory, more time, the same gradients.</summary>
    public bool recompute { get; init; }

    /// <summary>Scan order of the vertices, one of <see cref="VertexOrders.Names"/>.</summary>
    public string order { get; init; } = "degree";

    /// <summary>The noise among vertices that the order calls equal is drawn anew in each step of a training (as in arXiv 2402.00789).</summary>
    public bool order_noise { get; init; }

    /// <summary>Orders, each with noise of its own, that evaluation takes the mean over.</summary>
    public int eval_orders { get; init; } = 1;

    /// <summary>The message-passing branch.</summary>
    public MessagePassing mpnn { get; init; } = MessagePassing.Gcn;

    /// <summary>Layers (or propagation steps) of the message-passing branch.</summary>
    public int mpnn_layers { get; init; } = 2;

    /// <summary>Heads of <see cref="MessagePassing.Gat"/>.</summary>
    public int heads { get; init; } = 4;

    /// <summary>Residual connections and layer norms in the message-passing branch, which deep ones need.</summary>
    public bool mpnn_residual { get; init; }

    /// <summary>How much of a vertex's own prediction <see cref="MessagePassing.Appnp"/> keeps at each step.</summary>
    public double teleport { get; init; } = 0.1;

    /// <summary>Each branch has a head and a loss of its own and their logits are averaged, so that neither leans on the other; else
    /// their hidden rows are summed before one head, as in the paper.</summary>
    public bool late_fusion { get; init; }

    /// <summary>With <see cref="MessagePassing.Appnp"/>: the scan's result joins each vertex's own prediction before it is propagated,
    /// instead of the propagated ones at the end.</summary>
    public bool propagate_scan { get; init; }

    /// <summary>The options of one direction of one scan layer.</summary>
    public MambaOptions Block => new(d_model) { d_state = d_state, d_conv = d_conv, expand = expand };

    /// <inheritdoc/>
    protected override string Title => "Graph Mamba";

    /// <inheritdoc/>
    public override void Validate(int vertices)
    {
        Validate();
        if (scan)
        {
            new WalkTokenOptions(M, m, s).Validate(vertices);
        }
    }

    /// <inheritdoc/>
    public override GraphModel Create(int features, int outputs, int arcFeatures = 0) => new GraphMamba(features, outputs, this, arcFeatures);

    /// <inheritdoc/>
    protected override IEnumerable<string> Faults()
    {
        var faults = new List<string>();
        Need(faults, scan || mpnn != MessagePassing.None, "scan is off and mpnn is none, so nothing is left: keep one of them");
        Need(faults, TokenEncoder.Names.Contains(token_encoder), $"token_encoder is '{token_encoder}', allowed are {string.Join(", ", TokenEncoder.Names)}");
        Need(faults, encoder_layers >= 1 && (encoder_layers == 1 || token_encoder == "gatedgcn"), $"encoder_layers is {encoder_layers} with token_encoder {token_encoder}, allowed are 1, and more with gatedgcn");
        Need(faults, direction is "both" or "forward", $"direction is '{direction}', allowed are both and forward");
        Need(faults, token_layers >= 0 && node_layers >= 0, $"token_layers and node_layers are {token_layers} and {node_layers}, allowed are 0 and more");
        Need(faults, mpnn == MessagePassing.None || mpnn_layers >= 1, $"mpnn_layers is {mpnn_layers}, allowed are 1 and more");
        Need(faults, VertexOrders.Names.Contains(order), $"order is '{order}', allowed are {string.Join(", ", VertexOrders.Names)}");
        Need(faults, double.IsFinite(layer_scale), $"layer_scale is {layer_scale}, allowed are finite numbers");
        Need(faults, readout is "last" or "mean", $"readout is '{readout}', allowed are last and mean");
        Need(faults, !propagate_scan || mpnn is MessagePassing.Appnp or MessagePassing.None, $"propagate_scan is on and mpnn is {mpnn}, but only appnp propagates: choose it, or switch propagate_scan off");
        Need(faults, !(late_fusion && propagate_scan), "late_fusion and propagate_scan are both on, but they join the branches in two different places: choose one");
        Need(faults, mpnn != MessagePassing.Gat || (heads >= 1 && d_model % heads == 0), $"heads is {heads} and d_model {d_model}, allowed are divisors of d_model");
        Need(faults, eval_orders is >= 1 and <= 1000, $"eval_orders is {eval_orders}, allowed are 1 to 1000");
        Need(faults, teleport is >= 0 and <= 1, $"teleport is {teleport}, allowed are 0 to 1");
        return faults;
    }

    /// <inheritdoc/>
    protected override void ValidateParts() => Block.Validate();
}
