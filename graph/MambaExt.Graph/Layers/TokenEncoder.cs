using MambaExt.Graph.Models;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// phi of GMN (Behrouz and Hashemi, arXiv 2402.08678, algorithm 1): from the encoded features of all vertices, [V, d], to a row for each token of each
/// vertex, [V, L, d], the farthest token first and the vertex itself last.
/// </summary>
/// <param name="name">Of the module</param>
public abstract class TokenEncoder(string name) : nn.Module<GraphInputs, Tensor, Tensor>(name)
{
    /// <summary>What <see cref="GraphMambaOptions.token_encoder"/> can be.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mean", "gatedgcn", "rwf"];

    /// <summary>The encoder that the options name.</summary>
    internal static TokenEncoder Of(GraphMambaOptions options) => options.token_encoder switch
    {
        "gatedgcn" => new SubgraphTokenEncoder(options.d_model, options.M, options.m, options.s, options.encoder_layers, options.recompute),
        "rwf" => new WalkTokenEncoder(options.d_model, options.M, options.m, options.s, options.recompute),
        _ => new MeanTokenEncoder(options.M, options.m, options.s),
    };
}
