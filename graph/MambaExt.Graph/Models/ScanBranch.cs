using MambaExt.Blocks;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Orders;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// The two scan stages of GMN (Behrouz and Hashemi, arXiv 2402.08678, algorithm 1), [V, F] to [V, d]:
/// <list type="number">
/// <item>each vertex's tokens, what a <see cref="TokenEncoder"/> makes of the features over random-walk neighbourhoods, the farthest first and the vertex
/// last, through bidirectional layers; the last row, or the mean of the rows, stands for the vertex;</item>
/// <item>the vertices in scan order through bidirectional layers, then back in their own order.</item>
/// </list>
/// Layers are residual with a norm before them and a scale for each channel behind (Touvron et al., arXiv 2103.17239), which the paper
/// leaves open.
/// </summary>
internal sealed class ScanBranch : nn.Module<GraphInputs, Tensor>
{
    private const long SequencesAtOnce = 1 << 16;

    private readonly FeatureEncoder encoder;
    private readonly TokenEncoder tokens;
    private readonly ModuleList<BidirectionalMambaBlock> token_layers = new();
    private readonly ModuleList<LayerNorm> token_norms = new();
    private readonly ModuleList<BidirectionalMambaBlock> node_layers = new();
    private readonly ModuleList<LayerNorm> node_norms = new();
    private readonly ParameterList token_scales = new();
    private readonly ParameterList node_scales = new();
    private readonly GraphMambaOptions _options;
    private readonly OrderedScan _orders;
    private readonly double _dropout;
    private readonly bool _mean;
    private readonly bool _norm;

    public ScanBranch(int features, int outputs, GraphMambaOptions options)
        : base(nameof(ScanBranch))
    {
        _options = options;
        _dropout = options.dropout;
        _mean = options.readout == "mean";
        _norm = options.scan_norm;
        _orders = new OrderedScan(VertexOrders.Named(options.order), options.order_noise, options.eval_orders);
        encoder = new FeatureEncoder(features, outputs, options);
        tokens = TokenEncoder.Of(options);
        bool both = options.direction == "both";
        for (int i = 0; i < options.token_layers; i++)
        {
            if (_norm)
            {
                token_norms.Add(nn.LayerNorm(options.d_model));
            }

            token_scales.Add(nn.Parameter(full([options.d_model], options.layer_scale).DetachFromDisposeScope()));
            token_layers.Add(new BidirectionalMambaBlock(options.Block, backward: both));
        }

        for (int i = 0; i < options.node_layers; i++)
        {
            if (_norm)
            {
                node_norms.Add(nn.LayerNorm(options.d_model));
            }

            node_scales.Add(nn.Parameter(full([options.d_model], options.layer_scale).DetachFromDisposeScope()));
            node_layers.Add(new BidirectionalMambaBlock(options.Block, backward: both));
        }

        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Drop(encoder.forward(inputs));                                       // [V, d]
        Tensor sequence = tokens.forward(inputs, x);                                    // [V, L, d]
        long vertices = x.shape[0], width = x.shape[1];
        for (int i = 0; i < token_layers.Count; i++)
        {
            Tensor change = Scan(token_layers[i], _norm ? token_norms[i] : null, sequence, null) * token_scales[i];
            if (training && _dropout > 0)
            {
                // One mask for all tokens of a vertex: as strong, and a random number for each of them would take longer than the scan.
                change = change * nn.functional.dropout(ones([vertices, 1, width], change.dtype, change.device), _dropout, training: true);
            }

            sequence = sequence + change;
        }

        Tensor y = _mean ? sequence.mean([1L]) : sequence.select(1, sequence.shape[1] - 1);        // [V, d]
        if (node_layers.Count > 0)
        {
            y = _orders.Forward(inputs, y, training, NodeStage);
        }

        return y.MoveToOuterDisposeScope();
    }

    /// <summary>A layer behind its norm. With recomputation its input alone is kept, and sequences apart from one another are scanned so many at a time:
    /// what one part needs inside is freed before the next.</summary>
    private Tensor Scan(BidirectionalMambaBlock layer, LayerNorm? norm, Tensor x, Tensor? graphOf)
    {
        Tensor Inner(Tensor part) => layer.Forward(norm is null ? part : norm.forward(part), graphOf);
        if (!_options.recompute || !training)
        {
            return Inner(x);
        }

        return x.shape[0] <= SequencesAtOnce ? Recompute.Run(Inner, x) : cat([.. x.split(SequencesAtOnce).Select(part => Recompute.Run(Inner, part))]);
    }

    /// <summary>[1, V, d] in order to [1, V, d].</summary>
    private Tensor NodeStage(Tensor ordered, Tensor? graphs)
    {
        for (int i = 0; i < node_layers.Count; i++)
        {
            ordered = ordered + Drop(Scan(node_layers[i], _norm ? node_norms[i] : null, ordered, graphs)) * node_scales[i];
        }

        return ordered;
    }

    private Tensor Drop(Tensor x) => training && _dropout > 0 ? nn.functional.dropout(x, _dropout, training: true) : x;
}
