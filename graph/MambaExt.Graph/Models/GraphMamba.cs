using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// Graph Mamba for vertices or graphs (Behrouz and Hashemi, KDD 2024, arXiv 2402.08678): the scan branch over neighbourhood tokens and over the
/// vertices in order, plus a message-passing branch, summed, then a linear head; with a pool the head reads what the vertices of a graph come to.
/// </summary>
public sealed class GraphMamba : GraphModel
{
    private readonly GraphMambaOptions _options;
    private readonly ScanBranch? scan;
    private readonly MessagePassingBranch? mpnn;
    private readonly Linear head;
    private readonly Linear? mpnn_head;

    /// <summary>Makes the model from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="options">Sizes and switches</param>
    /// <param name="arcFeatures">F_e, which the gatedgcn and gin branches read; 0 for none</param>
    public GraphMamba(int features, int outputs, GraphMambaOptions options, int arcFeatures = 0)
        : base(nameof(GraphMamba), options)
    {
        options.Validate();
        if (arcFeatures > 0 && options.mpnn is not (MessagePassing.GatedGcn or MessagePassing.Gin))
        {
            throw new ArgumentException($"There are {arcFeatures} edge features, which Graph Mamba with mpnn {options.mpnn.ToString().ToLowerInvariant()} does not read; leave them out, or take gatedgcn or gin.");
        }

        _options = options;
        scan = options.scan ? new ScanBranch(features, outputs, options) : null;
        mpnn = options.mpnn == MessagePassing.None ? null : new MessagePassingBranch(features, outputs, options, arcFeatures);
        head = nn.Linear(options.d_model, outputs);
        mpnn_head = options.late_fusion && scan is not null && mpnn is not null ? nn.Linear(options.d_model, outputs) : null;
        RegisterComponents();
    }

    /// <summary>Logits [V, K], or [graphs, K] with a pool.</summary>
    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        IReadOnlyList<Tensor> logits = Logits(inputs);
        return (logits.Count == 1 ? logits[0].alias() : (logits[0] + logits[1]) / 2).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of each head: one, or with late fusion one a branch. The loss is the sum of their losses, the prediction their mean.</summary>
    public override IReadOnlyList<Tensor> Logits(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? scanned = scan?.forward(inputs);
        if (mpnn_head is not null)
        {
            return [Head(head, inputs, scanned!), Head(mpnn_head, inputs, mpnn!.forward(inputs))];
        }

        Tensor z = mpnn is null ? scanned!
            : _options.propagate_scan ? mpnn.Forward(inputs, scanned)
            : scanned is null ? mpnn.forward(inputs) : scanned + mpnn.forward(inputs);
        return [Head(head, inputs, z)];
    }

    private Tensor Head(Linear linear, GraphInputs inputs, Tensor z) =>
        linear.forward(nn.functional.dropout(GraphPooling.Pool(inputs, nn.functional.relu(z), _options.pool), _options.dropout, training)).MoveToOuterDisposeScope();
}
