using MambaExt.Graph.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// Graph-Mamba (Wang et al., arXiv 2402.00789): GraphGPS with Mamba in the place of attention. Encoders of vertices and edges, <see cref="GmbLayer"/>s, a linear
/// head. Features [V, F] to logits [V, K], or [graphs, K] with a pool.
/// </summary>
public sealed class GmbModel : GraphModel
{
    private readonly FeatureEncoder encoder;
    private readonly Linear? arc_encoder;
    private readonly Parameter? arc_start;
    private readonly ModuleList<GmbLayer> layers = new();
    private readonly Linear head;
    private readonly GmbOptions _options;

    /// <summary>Makes the model from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="options">Sizes and switches</param>
    /// <param name="arcFeatures">F_e; 0 for none</param>
    public GmbModel(int features, int outputs, GmbOptions options, int arcFeatures = 0)
        : base(nameof(GmbModel), options)
    {
        options.Validate();
        _options = options;
        encoder = new FeatureEncoder(features, outputs, options, options.encoder_bias);
        arc_encoder = options.edge_states && arcFeatures > 0 ? nn.Linear(arcFeatures, options.d_model, options.encoder_bias) : null;
        arc_start = options.edge_states && arcFeatures == 0 ? nn.Parameter(randn(1, options.d_model).DetachFromDisposeScope()) : null;
        for (int i = 0; i < options.layers; i++)
        {
            layers.Add(new GmbLayer(options, options.edge_states));
        }

        head = nn.Linear(options.d_model, outputs);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = encoder.forward(inputs);                                                                         // [V, d]
        Tensor? arcs = arc_start?.expand(inputs.Adjacency.EntryCount, _options.d_model) ?? arc_encoder?.forward(
            inputs.ArcFeatures ?? throw new ArgumentException("The model was made for edge features and the graph has none; give them with the graph."));
        foreach (GmbLayer layer in layers)
        {
            (x, arcs) = layer.Forward(inputs, x, arcs);
        }

        return head.forward(GraphPooling.Pool(inputs, x, _options.pool)).MoveToOuterDisposeScope();
    }
}
