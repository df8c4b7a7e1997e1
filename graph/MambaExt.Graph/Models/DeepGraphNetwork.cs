using MambaExt.Graph.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// A deep network over graphs: encoder, blocks, head. All baselines are this network with one convolution or another; so is the library's own
/// model, a deep residual message-passing network with the bidirectional scan of Graph Mamba joined to its blocks, its encoder, or both:
/// without the scan it is exactly the same network minus those branches. Features [V, F] to logits [V, K], or [graphs, K] with a pool.
/// </summary>
public sealed class DeepGraphNetwork : GraphModel
{
    private readonly FeatureEncoder encoder;
    private readonly NormActivation encoded;
    private readonly Linear? arc_encoder;
    private readonly ModuleList<DeepGraphBlock> blocks = new();
    private readonly NormActivation? last;
    private readonly Linear? pooled;
    private readonly NormActivation? pooled_activation;
    private readonly Linear head;
    private readonly TokenLayer? tokens;
    private readonly TokenScan? depth;
    private readonly DeepGraphOptions _options;

    /// <summary>Makes the network from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="options">Sizes and switches</param>
    /// <param name="arcFeatures">F_e, which gatedgcn and gin read; 0 for none</param>
    public DeepGraphNetwork(int features, int outputs, DeepGraphOptions options, int arcFeatures = 0)
        : base(nameof(DeepGraphNetwork), options)
    {
        options.Validate();
        _options = options;
        int d = options.d_model;
        bool arcs = arcFeatures > 0 && options.conv is "gatedgcn" or "gin";
        encoder = new FeatureEncoder(features, outputs, options);
        encoded = new NormActivation(d, "none", options.activation, options.dropout);
        arc_encoder = arcFeatures > 0 && arcs ? nn.Linear(arcFeatures, d) : null;
        for (int i = 1; i <= options.layers; i++)
        {
            blocks.Add(new DeepGraphBlock(options, i, arc_encoder is not null));
        }

        // What norms before each block have left alone is normed before the head.
        last = options.norm_place == "pre" && options.norm != "none" ? new NormActivation(d, options.norm, "none", 0) : null;
        pooled = options.pool == "none" ? null : nn.Linear(d, d);
        pooled_activation = options.pool == "none" ? null : new NormActivation(d, "none", options.activation, options.dropout);
        head = nn.Linear(d, outputs);
        tokens = options.token_stage ? new TokenLayer(options.Block, options.M, options.m, options.s, options.layer_scale, options.dropout) : null;
        depth = options.depth_scan > 0 ? new TokenScan(options.Block, options.layer_scale, options.dropout) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = encoder.forward(inputs);                                                         // [V, d]
        x = tokens is null ? x : x + tokens.forward(inputs, x);
        x = encoded.forward(x);
        Tensor? arcs = arc_encoder?.forward(inputs.ArcFeatures ?? throw new ArgumentException("The network was made for edge features and the graph has none; give them with the graph."));
        Tensor initial = x;
        Tensor? sum = null;
        List<Tensor> neighbourhoods = [x];
        for (int i = 1; i <= blocks.Count; i++)
        {
            (x, arcs) = blocks[i - 1].Forward(inputs, x, initial, arcs);
            sum = !_options.jumping ? null : sum is null ? x : sum + x;
            if (depth is not null && i % _options.depth_scan == 0)
            {
                neighbourhoods.Insert(0, x);
            }
        }

        x = sum ?? x;
        x = depth is null ? x : x + depth.forward(stack(neighbourhoods, 1));
        x = last is null ? x : last.forward(x);
        x = pooled is null ? x : pooled_activation!.forward(pooled.forward(GraphPooling.Pool(inputs, x, _options.pool)));
        return head.forward(x).MoveToOuterDisposeScope();
    }
}
