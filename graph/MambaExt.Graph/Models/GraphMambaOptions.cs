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

    /// <summary>Dropout of hidden features.</summary>
    public double dropout { get; init; } = 0.5;

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
        Need(dropout is >= 0 and < 1 && input_dropout is >= 0 and < 1, $"dropout and input_dropout are {dropout} and {input_dropout}, allowed are 0 up to, not with, 1");
        Need(teleport is >= 0 and <= 1, $"teleport is {teleport}, allowed are 0 to 1");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Graph Mamba options: {string.Join("; ", faults)}.");
        }

        Block.Validate();
    }
}
