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
/// <item>Appnp: h = mlp(x), then k times z = (1 - a) A' z + a h.</item>
/// </list>
/// With residual connections each layer is x + layer(norm(x)).
/// </summary>
internal sealed class MessagePassingBranch : nn.Module<GraphInputs, Tensor>
{
    private readonly FeatureLinear encoder;
    private readonly ModuleList<Linear> layers = new();
    private readonly ModuleList<Linear> own = new();
    private readonly ModuleList<LayerNorm> norms = new();
    private readonly GraphMambaOptions _options;

    public MessagePassingBranch(int features, GraphMambaOptions options)
        : base(nameof(MessagePassingBranch))
    {
        _options = options;
        int d = options.d_model;
        encoder = new FeatureLinear(features, d, options.input_dropout);

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
        CsrMatrix neighbours = _options.mpnn == MessagePassing.Sage ? inputs.Mean : inputs.Normalized;
        Tensor x = encoder.forward(inputs);
        x = _options.mpnn == MessagePassing.Appnp ? Personalized(neighbours, x, scanned) : Convolve(neighbours, x);
        return x.MoveToOuterDisposeScope();
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
