using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// Dense multi-head attention of every vertex to every vertex of its graph (Vaswani et al., arXiv 1706.03762), <c>softmax(q k' / sqrt(d_h)) v W</c>.
/// Time grows with the square of a graph's vertices. [V, d] to [V, d].
/// </summary>
public sealed class AttentionConv : GraphConvolution
{
    private readonly Linear in_proj;
    private readonly Linear out_proj;
    private readonly int _heads;
    private readonly double _dropout;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="d_model">d</param>
    /// <param name="heads">H, a divisor of d</param>
    /// <param name="dropout">Of the attention</param>
    public AttentionConv(int d_model, int heads, double dropout = 0)
        : base(nameof(AttentionConv))
    {
        if (heads < 1 || d_model % heads != 0)
        {
            throw new ArgumentException($"There are {heads} heads for {d_model} channels; give a divisor of the channels.");
        }

        (_heads, _dropout) = (heads, dropout);
        in_proj = nn.Linear(d_model, 3 * d_model);
        out_proj = nn.Linear(d_model, d_model);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(GraphInputs graph, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        long width = x.shape[1];
        Tensor all = in_proj.forward(x).view(x.shape[0], 3, _heads, width / _heads).permute(1, 2, 0, 3);            // [3, H, V, d / H]
        int[] starts = graph.GraphStarts;
        Tensor[] mixed = [.. Enumerable.Range(0, graph.GraphCount).Select(g => Attend(all.narrow(2, starts[g], starts[g + 1] - starts[g])))];
        Tensor y = mixed.Length == 1 ? mixed[0] : cat(mixed, 1);                                                    // [H, V, d / H]
        return out_proj.forward(y.transpose(0, 1).reshape(-1, width)).MoveToOuterDisposeScope();
    }

    /// <summary>[3, H, n, d_h] to [H, n, d_h].</summary>
    private Tensor Attend(Tensor qkv) =>
        nn.functional.scaled_dot_product_attention(qkv[0].unsqueeze(0), qkv[1].unsqueeze(0), qkv[2].unsqueeze(0), p: training ? _dropout : 0).squeeze(0);
}
