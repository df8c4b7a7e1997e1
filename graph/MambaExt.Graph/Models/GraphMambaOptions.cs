using MambaExt.Blocks;

namespace MambaExt.Graph.Models;

/// <summary>The message-passing branch beside the scan.</summary>
public enum MessagePassing
{
    /// <summary>None.</summary>
    None,

    /// <summary>Graph convolution (Kipf and Welling, arXiv 1609.02907).</summary>
    Gcn,

    /// <summary>Mean of the neighbours beside the vertex itself (Hamilton et al., arXiv 1706.02216).</summary>
    Sage,

    /// <summary>Personalized propagation of a vertex-wise network (Gasteiger et al., arXiv 1810.05997).</summary>
    Appnp,
}

/// <summary>Sizes and switches of a <see cref="GraphMamba"/>.</summary>
public sealed record GraphMambaOptions
{
    /// <summary>Width of every layer.</summary>
    public int d_model { get; init; } = 64;

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

    /// <summary>Scan order of the vertices: degree or random.</summary>
    public string order { get; init; } = "degree";

    /// <summary>The message-passing branch.</summary>
    public MessagePassing mpnn { get; init; } = MessagePassing.Gcn;

    /// <summary>Layers (or propagation steps) of the message-passing branch.</summary>
    public int mpnn_layers { get; init; } = 2;

    /// <summary>Residual connections and layer norms in the message-passing branch, which deep ones need.</summary>
    public bool mpnn_residual { get; init; }

    /// <summary>How much of a vertex's own prediction <see cref="MessagePassing.Appnp"/> keeps at each step.</summary>
    public double teleport { get; init; } = 0.1;

    /// <summary>Each branch has a head and a loss of its own and their logits are averaged, so that neither leans on the other; else
    /// their hidden rows are summed before one head, as in the paper.</summary>
    public bool late_fusion { get; init; }

    /// <summary>Dropout of hidden features.</summary>
    public double dropout { get; init; } = 0.5;

    /// <summary>With <see cref="MessagePassing.Appnp"/>: the scan's result joins each vertex's own prediction before it is propagated,
    /// instead of the propagated ones at the end.</summary>
    public bool propagate_scan { get; init; }

    /// <summary>Dropout of input features.</summary>
    public double input_dropout { get; init; }

    /// <summary>The options of one direction of one scan layer.</summary>
    public MambaOptions Block => new(d_model) { d_state = d_state, d_conv = d_conv, expand = expand };

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        var faults = new List<string>();
        void Need(bool good, string text)
        {
            if (!good)
            {
                faults.Add(text);
            }
        }

        Need(scan || mpnn != MessagePassing.None, "scan is off and mpnn is none, so nothing is left: keep one of them");
        Need(token_layers >= 0 && node_layers >= 0, $"token_layers and node_layers are {token_layers} and {node_layers}, allowed are 0 and more");
        Need(mpnn == MessagePassing.None || mpnn_layers >= 1, $"mpnn_layers is {mpnn_layers}, allowed are 1 and more");
        Need(order is "degree" or "random", $"order is '{order}', allowed are degree and random");
        Need(double.IsFinite(layer_scale), $"layer_scale is {layer_scale}, allowed are finite numbers");
        Need(readout is "last" or "mean", $"readout is '{readout}', allowed are last and mean");
        Need(dropout is >= 0 and < 1 && input_dropout is >= 0 and < 1, $"dropout and input_dropout are {dropout} and {input_dropout}, allowed are 0 up to, not with, 1");
        Need(!propagate_scan || mpnn is MessagePassing.Appnp or MessagePassing.None, $"propagate_scan is on and mpnn is {mpnn}, but only appnp propagates: choose it, or switch propagate_scan off");
        Need(!(late_fusion && propagate_scan), "late_fusion and propagate_scan are both on, but they join the branches in two different places: choose one");
        Need(teleport is >= 0 and <= 1, $"teleport is {teleport}, allowed are 0 to 1");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Graph Mamba options: {string.Join("; ", faults)}.");
        }

        Block.Validate();
    }
}
