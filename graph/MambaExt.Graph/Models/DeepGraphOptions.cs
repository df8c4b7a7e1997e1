using System.Text.Json.Serialization;
using MambaExt.Blocks;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Models;

/// <summary>Sizes and switches of a <see cref="DeepGraphNetwork"/>: every baseline, and the deep network joined with the scan.</summary>
public sealed record DeepGraphOptions : GraphModelOptions
{
    /// <summary>What <see cref="conv"/> can be.</summary>
    public static IReadOnlyList<string> Convolutions { get; } = ["linear", "gcn", "gcn2", "sage", "gat", "gatedgcn", "gin", "attention"];

    /// <summary>The convolution of every block: linear (a multilayer perceptron), gcn, gcn2 (for many layers), sage, gat, gatedgcn, gin or attention (to all vertices).</summary>
    public string conv { get; init; } = "gcn";

    /// <summary>Blocks.</summary>
    public int layers { get; init; } = 4;

    /// <summary>What each layer of gcn2 keeps of what entered the first.</summary>
    public double alpha { get; init; } = 0.1;

    /// <summary>How much of a weight matrix the layers of gcn2 have: ln(theta / layer + 1).</summary>
    public double theta { get; init; } = 0.5;

    /// <summary>Heads of attention and gat.</summary>
    public int heads { get; init; } = 4;

    /// <summary>none, layer or batch.</summary>
    public string norm { get; init; } = "layer";

    /// <summary>The norm is before the convolution (pre) or between it and the activation (post).</summary>
    public string norm_place { get; init; } = "pre";

    /// <summary>none; identity, x is added to what the block makes of it; linear, x W is added to the convolution (Luo et al., arXiv 2406.08993).</summary>
    public string residual { get; init; } = "identity";

    /// <summary>relu or gelu.</summary>
    public string activation { get; init; } = "relu";

    /// <summary>A second linear layer behind the activation, so that each aggregation is followed by a two-layer network (Platonov et al., arXiv
    /// 2302.11640).</summary>
    public bool mlp { get; init; }

    /// <summary>A residual two-layer network of its own at the end of each block, as in transformers.</summary>
    public bool feed_forward { get; init; }

    /// <summary>Attention to all vertices beside each convolution (GPS, Rampasek et al., arXiv 2205.12454).</summary>
    public bool attention { get; init; }

    /// <summary>The head reads the sum of all blocks' results (Xu et al., arXiv 1806.03536) instead of the last.</summary>
    public bool jumping { get; init; }

    /// <summary>A bidirectional scan over the vertices beside every so manieth convolution; 0 for none.</summary>
    public int scan_every { get; init; }

    /// <summary>A bidirectional scan over what each vertex was after every so manieth block, the deepest and so the widest neighbourhood first and the
    /// encoded vertex last, as Graph Mamba orders its tokens: a selective jumping knowledge (Xu et al., arXiv 1806.03536). 0 for none.</summary>
    public int depth_scan { get; init; }

    /// <summary>The first stage of Graph Mamba, a scan over random-walk tokens, beside the input encoder.</summary>
    public bool token_stage { get; init; }

    /// <summary>What the scans' contributions are scaled by at first.</summary>
    public double layer_scale { get; init; } = 0.1;

    /// <summary>Scan order of the vertices.</summary>
    public string order { get; init; } = "degree";

    /// <summary>State size of the scans.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>Taps of their convolutions.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>Inner width of their blocks over d_model.</summary>
    public int expand { get; init; } = 1;

    /// <summary>Walks a token.</summary>
    public int M { get; init; } = 8;

    /// <summary>Steps of the longest walk.</summary>
    public int m { get; init; } = 3;

    /// <summary>Tokens a walk length.</summary>
    public int s { get; init; } = 1;

    /// <summary>Whether there is a scan anywhere.</summary>
    [JsonIgnore]
    public bool Scans => scan_every > 0 || depth_scan > 0 || token_stage;

    /// <summary>The options of one direction of a scan.</summary>
    internal MambaOptions Block => new(d_model) { d_state = d_state, d_conv = d_conv, expand = expand };

    /// <inheritdoc/>
    protected override string Title => "Deep graph network";

    /// <inheritdoc/>
    public override GraphModel Create(int features, int outputs, int arcFeatures = 0) => new DeepGraphNetwork(features, outputs, this, arcFeatures);

    /// <inheritdoc/>
    public override void Validate(int vertices)
    {
        Validate();
        if (token_stage)
        {
            new WalkTokenOptions(M, m, s).Validate(vertices);
        }
    }

    /// <summary>A convolution of the kind that <see cref="conv"/> names, d_model to d_model.</summary>
    /// <param name="layer">Its number, 1 and on</param>
    /// <param name="arcs">Whether edges have states</param>
    internal GraphConvolution Convolution(int layer, bool arcs) => conv switch
    {
        "linear" => new LinearConv(d_model, d_model),
        "gcn" => new GcnConv(d_model, d_model),
        "gcn2" => new Gcn2Conv(d_model, layer, alpha, theta),
        "sage" => new SageConv(d_model, d_model),
        "gat" => new GatConv(d_model, d_model, heads, dropout),
        "gatedgcn" => new GatedGcnConv(d_model, d_model, arcs, dropout),
        "gin" => new GinConv(d_model, d_model),
        _ => new AttentionConv(d_model, heads),
    };

    /// <inheritdoc/>
    protected override IEnumerable<string> Faults()
    {
        var faults = new List<string>();
        void OneOf(string name, string value, params IReadOnlyList<string> allowed) =>
            Need(faults, allowed.Contains(value), $"{name} is '{value}', allowed are {string.Join(", ", allowed)}");
        OneOf(nameof(conv), conv, Convolutions);
        OneOf(nameof(norm), norm, "none", "layer", "batch");
        OneOf(nameof(norm_place), norm_place, "pre", "post");
        OneOf(nameof(residual), residual, "none", "identity", "linear");
        OneOf(nameof(activation), activation, "relu", "gelu");
        OneOf(nameof(order), order, VertexOrders.Names);
        Need(faults, layers is >= 1 and <= 1000, $"layers is {layers}, allowed are 1 to 1000");
        bool headed = attention || conv is "gat" or "attention";
        Need(faults, !headed || (heads >= 1 && d_model % heads == 0), $"heads is {heads} and d_model {d_model}, allowed are divisors of d_model");
        Need(faults, scan_every >= 0 && scan_every <= Math.Max(layers, 0), $"scan_every is {scan_every} with {layers} layers, allowed are 0 (no scan) to the number of layers");
        Need(faults, depth_scan >= 0 && depth_scan <= Math.Max(layers, 0), $"depth_scan is {depth_scan} with {layers} layers, allowed are 0 (no scan) to the number of layers");
        Need(faults, alpha is >= 0 and <= 1, $"alpha is {alpha}, allowed are 0 to 1");
        Need(faults, theta >= 0 && double.IsFinite(theta), $"theta is {theta}, allowed are 0 and more");
        Need(faults, double.IsFinite(layer_scale), $"layer_scale is {layer_scale}, allowed are finite numbers");
        return faults;
    }

    /// <inheritdoc/>
    protected override void ValidateParts()
    {
        if (Scans)
        {
            Block.Validate();
        }
    }
}
