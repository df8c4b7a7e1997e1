using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>
/// Graph Mamba for vertices (Behrouz and Hashemi, KDD 2024, arXiv 2402.08678): the scan branch over neighbourhood tokens and over the
/// vertices in order, plus a message-passing branch, summed, then a linear head.
/// </summary>
public sealed class GraphMamba : nn.Module<GraphInputs, Tensor>
{
    private readonly ScanBranch? scan;
    private readonly MessagePassingBranch? mpnn;
    private readonly Linear head;

    /// <summary>Makes the model from torch's generator.</summary>
    /// <param name="features">F</param>
    /// <param name="outputs">K, or 1 for two classes judged by ROC AUC</param>
    /// <param name="options">Sizes and switches</param>
    public GraphMamba(int features, int outputs, GraphMambaOptions options)
        : base(nameof(GraphMamba))
    {
        options.Validate();
        Options = options;
        scan = options.scan ? new ScanBranch(features, options) : null;
        mpnn = options.mpnn == MessagePassing.None ? null : new MessagePassingBranch(features, options);
        head = nn.Linear(options.d_model, outputs);
        RegisterComponents();
    }

    /// <summary>Sizes and switches.</summary>
    public GraphMambaOptions Options { get; }

    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>Logits [V, K].</summary>
    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? scanned = scan?.forward(inputs), passed = mpnn?.forward(inputs);
        Tensor z = scanned is null ? passed! : passed is null ? scanned : scanned + passed;
        Tensor active = nn.functional.dropout(nn.functional.relu(z), Options.dropout, training);
        return head.forward(active).MoveToOuterDisposeScope();
    }
}
