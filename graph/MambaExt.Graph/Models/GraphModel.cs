using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>A network over graphs: logits of every vertex [V, K], or of every graph [graphs, K].</summary>
/// <param name="name">Of the module</param>
/// <param name="options">Sizes and switches</param>
public abstract class GraphModel(string name, GraphModelOptions options) : nn.Module<GraphInputs, Tensor>(name)
{
    /// <summary>Sizes and switches.</summary>
    public GraphModelOptions Options { get; } = options;

    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>Logits of each head; the loss is the sum of their losses, the prediction, <c>forward</c>, their mean.</summary>
    public virtual IReadOnlyList<Tensor> Logits(GraphInputs inputs) => [forward(inputs)];
}
