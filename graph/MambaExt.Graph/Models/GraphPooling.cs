using static TorchSharp.torch;

namespace MambaExt.Graph.Models;

/// <summary>One row a graph from the rows of its vertices.</summary>
internal static class GraphPooling
{
    /// <summary>What <see cref="Pool"/> takes, and none.</summary>
    public static IReadOnlyList<string> Names { get; } = ["none", "mean", "sum", "max"];

    /// <summary>[V, d] to [graphs, d].</summary>
    /// <param name="graph">V vertices</param>
    /// <param name="x">[V, d]</param>
    /// <param name="pool">mean, sum or max</param>
    public static Tensor Pool(GraphInputs graph, Tensor x, string pool) => pool switch
    {
        "mean" => graph.GraphMeans.Multiply(x),
        "sum" => graph.GraphSums.Sum(x),
        _ => stack([.. Enumerable.Range(0, graph.GraphCount).Select(g => x.narrow(0, graph.GraphStarts[g], graph.GraphStarts[g + 1] - graph.GraphStarts[g]).amax([0L]))]),
    };
}
