using MambaExt.Blocks;
using MambaExt.Graph.Orders;

namespace MambaExt.Graph.Models;

/// <summary>Sizes and switches of a <see cref="GmbModel"/>. Defaults are the paper's but for the encodings, which each of its data sets has its own of.</summary>
public sealed record GmbOptions : GraphModelOptions
{
    /// <summary>The published code's form or the paper's: code has no norm before the scan, its dropout inside the residual sum and batch norm behind it;
    /// paper has layer norm before the scan, and dropout of the sum.</summary>
    public string form { get; init; } = "code";

    /// <summary>Layers.</summary>
    public int layers { get; init; } = 4;

    /// <summary>State size of the scans.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>Taps of their convolutions.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>Inner width of their blocks over d_model.</summary>
    public int expand { get; init; } = 1;

    /// <summary>Scan order of the vertices.</summary>
    public string order { get; init; } = "degree";

    /// <summary>Each layer draws the noise among equals anew in each step of a training.</summary>
    public bool order_noise { get; init; } = true;

    /// <summary>Orders that evaluation takes the mean over, in every layer.</summary>
    public int eval_orders { get; init; } = 5;

    /// <summary>GatedGCN keeps states of the edges; where the data have no edge features they start from one learned row.</summary>
    public bool edge_states { get; init; } = true;

    /// <summary>Biases of the linear maps of the features. Without them, on one-hot features, these maps are sums of embedding tables, as for atoms and bonds.</summary>
    public bool encoder_bias { get; init; } = true;

    /// <summary>The options of the scans.</summary>
    internal MambaOptions Block => new(d_model) { d_state = d_state, d_conv = d_conv, expand = expand };

    /// <inheritdoc/>
    protected override string Title => "GMB";

    /// <inheritdoc/>
    public override GraphModel Create(int features, int outputs, int arcFeatures = 0) => new GmbModel(features, outputs, this, arcFeatures);

    /// <inheritdoc/>
    protected override IEnumerable<string> Faults()
    {
        var faults = new List<string>();
        Need(faults, form is "code" or "paper", $"form is '{form}', allowed are code and paper");
        Need(faults, layers is >= 1 and <= 1000, $"layers is {layers}, allowed are 1 to 1000");
        Need(faults, VertexOrders.Names.Contains(order), $"order is '{order}', allowed are {string.Join(", ", VertexOrders.Names)}");
        Need(faults, eval_orders is >= 1 and <= 1000, $"eval_orders is {eval_orders}, allowed are 1 to 1000");
        return faults;
    }

    /// <inheritdoc/>
    protected override void ValidateParts() => Block.Validate();
}
