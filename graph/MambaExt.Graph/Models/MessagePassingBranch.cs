using MambaExt.Graph.Layers;
using MambaExt.Sparse;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// The branch Psi(G, X) of GMN (arXiv 2402.08678, section 4.1): messages over the edges, [V, F] to [V, d].
/// <list type="bullet">
/// <item>Gcn: x = drop(relu(A' x W)), A' the normalized adjacency with self-loops.</item>
/// <item>Sage: x = drop(relu(x W_self + mean(x) W_neighbours)).</item>
/// <item>Gat, GatedGcn, Gin: x = drop(relu(conv(x))) behind the encoder, the last without what follows it; edges' states with it where there are edge features.</item>
/// <item>Appnp: h = mlp(x), then k times z = (1 - a) A' z + a h.</item>
/// </list>
/// With residual connections each layer is x + layer(norm(x)).
/// </summary>
internal sealed class MessagePassingBranch : nn.Module<GraphInputs, Tensor>
{
    private readonly FeatureEncoder encoder;
    private readonly Linear? arc_encoder;
    private readonly ModuleList<GraphConvolution> convs = new();
    private readonly ModuleList<Linear> layers = new();
    private readonly ModuleList<Linear> own = new();
    private readonly ModuleList<LayerNorm> norms = new();
    private readonly GraphMambaOptions _options;

    public MessagePassingBranch(int features, int outputs, GraphMambaOptions options, int arcFeatures = 0)
        : base(nameof(MessagePassingBranch))
    {
        _options = options;
        int d = options.d_model;
        encoder = new FeatureEncoder(features, outputs, options);
        if (options.mpnn is MessagePassing.Gat or MessagePassing.GatedGcn or MessagePassing.Gin)
        {
            arc_encoder = arcFeatures > 0 ? nn.Linear(arcFeatures, d) : null;
            for (int i = 0; i < options.mpnn_layers; i++)
            {
                convs.Add(options.mpnn switch
                {
                    MessagePassing.Gat => new GatConv(d, d, options.heads, options.dropout),
                    MessagePassing.Gin => new GinConv(d, d),
                    _ => new GatedGcnConv(d, d, arcFeatures > 0, options.dropout),
                });
                if (options.mpnn_residual)
                {
                    norms.Add(nn.LayerNorm(d));
                }
            }

            RegisterComponents();
            return;
        }

        // Without residuals the encoder's product is the first layer's; appnp has one more vertex-wise layer.
        int further = options.mpnn == MessagePassing.Appnp ? 1 : options.mpnn_residual ? options.mpnn_layers : options.mpnn_layers - 1;
        for (int i = 0; i < further; i++)
        {
            layers.Add(nn.Linear(d, d));
            if (options.mpnn_residual && options.mpnn != MessagePassing.Appnp)
            {
                norms.Add(nn.LayerNorm(d));
            }
        }

        for (int i = 0; i < further && options.mpnn == MessagePassing.Sage; i++)
        {
            own.Add(nn.Linear(d, d, hasBias: false));
        }

        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs) => Forward(inputs, null);

    /// <summary>As <see cref="forward"/>; <paramref name="scanned"/> [V, d] joins each vertex's own prediction before it is propagated.</summary>
    public Tensor Forward(GraphInputs inputs, Tensor? scanned)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = encoder.forward(inputs);
        if (convs.Count > 0)
        {
            return Convolve(inputs, x).MoveToOuterDisposeScope();
        }

        CsrMatrix neighbours = _options.mpnn == MessagePassing.Sage ? inputs.Mean : inputs.Normalized;
        x = _options.mpnn == MessagePassing.Appnp ? Personalized(neighbours, x, scanned) : Convolve(neighbours, x);
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Convolve(GraphInputs inputs, Tensor x)
    {
        Tensor? arcs = arc_encoder?.forward(inputs.ArcFeatures ?? throw new ArgumentException("The model was made for edge features and the graph has none; give them with the graph."));
        for (int i = 0; i < convs.Count; i++)
        {
            (Tensor y, arcs) = convs[i].Forward(inputs, _options.mpnn_residual ? norms[i].forward(x) : x, arcs);
            x = _options.mpnn_residual ? x + Active(y) : i == convs.Count - 1 ? y : Active(y);
        }

        return x;
    }

    private Tensor Convolve(CsrMatrix neighbours, Tensor x)
    {
        if (!_options.mpnn_residual)
        {
            x = neighbours.Multiply(x);
        }

        for (int i = 0; i < layers.Count; i++)
        {
            Tensor input = _options.mpnn_residual ? norms[i].forward(x) : Active(x);
            Tensor message = layers[i].forward(neighbours.Multiply(input));
            Tensor next = own.Count > 0 ? message + own[i].forward(input) : message;
            x = _options.mpnn_residual ? x + Active(next) : next;
        }

        return x;
    }

    private Tensor Personalized(CsrMatrix neighbours, Tensor x, Tensor? scanned)
    {
        Tensor h = layers[0].forward(Active(x));
        h = scanned is null ? h : h + scanned;
        Tensor z = h;
        for (int step = 0; step < _options.mpnn_layers; step++)
        {
            z = neighbours.Multiply(z) * (1 - _options.teleport) + h * _options.teleport;
        }

        return z;
    }

    private Tensor Active(Tensor x) => nn.functional.dropout(nn.functional.relu(x), _options.dropout, training);
}
