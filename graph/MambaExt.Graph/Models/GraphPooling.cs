using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>What the vertices of each graph come to.</summary>
internal static class GraphPooling
{
    /// <summary>[V, d] to [graphs, d]; with "none" x itself.</summary>
    public static Tensor Pool(GraphInputs inputs, Tensor x, string pool) => pool switch
    {
        "none" => x,
        "mean" => inputs.GraphMeans.Multiply(x),
        "sum" => inputs.GraphSums.Sum(x),
        _ => stack([.. Enumerable.Range(0, inputs.GraphCount).Select(g => x.narrow(0, inputs.GraphStarts[g], inputs.GraphStarts[g + 1] - inputs.GraphStarts[g]).amax([0L]))]),
    };
}
