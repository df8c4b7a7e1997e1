using System.Diagnostics;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tokens;
using MambaExt.Graph.Training;
using MambaExt.Runs;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Cli;

/// <summary>A graph in <c>bench graph --json</c>; attention is null where it would take too long.</summary>
internal sealed record GraphBenchmarkSize(
    int vertices, long edges, double walk_steps_per_second, double tokens_per_second, double prepare_seconds, double epoch_seconds, long epoch_peak_bytes, double? attention_seconds, long? attention_peak_bytes);

/// <summary>Keys of <c>bench graph --json</c>.</summary>
internal sealed record GraphBenchmarkResult(int threads, int rounds, long base_bytes, IReadOnlyList<GraphBenchmarkSize> sizes);

/// <summary>
/// Random graphs of average degree 10. Raw walks: 4 of 10 steps from each vertex. Tokens: M 4, m 4, s 2, each with its set of vertices and the induced
/// subgraph. An epoch is forward, backward and step over the whole graph of a Graph Mamba of 64 channels: one layer over tokens (m 2, M 4, s 1, means),
/// two over the vertices, all bidirectional and recomputed, beside a GCN of two layers; 16 features, 2 classes. The best of the rounds: what else runs on the machine
/// can only add time.
/// </summary>
internal static class GraphBenchmark
{
    /// <summary>Largest graph whose vertices all attend to all.</summary>
    public const int MostAttention = 10_000;

    // Measured at a million vertices; so much of it grows with them.
    private const double EpochBytes = 12_500;
    private const int Features = 16, Classes = 2;

    private static readonly GraphMambaOptions Mamba = new()
    {
        d_model = 64, d_state = 16, M = 4, m = 2, s = 1, token_layers = 1, node_layers = 2, mpnn = MessagePassing.Gcn, mpnn_layers = 2, dropout = 0, recompute = true,
    };

    private static readonly DeepGraphOptions Attention = new() { conv = "attention", layers = 2, d_model = 64, dropout = 0 };

    /// <summary>Refuses a size that does not fit into memory.</summary>
    public static void RequireMemory(int vertices)
    {
        double need = 0.5e9 + (EpochBytes * vertices), have = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (need > 0.9 * have)
        {
            throw new ArgumentException(FormattableString.Invariant($"--sizes has {vertices:n0}, whose epoch needs about {need / 1e9:f0} GB, and this machine has {have / 1e9:f0} GB; take smaller ones."));
        }
    }

    /// <summary>Measures one size.</summary>
    public static GraphBenchmarkSize Run(int vertices, int rounds, CancellationToken token)
    {
        CsrGraph graph = Draw(vertices);
        int threads = Compute.Threads;
        double walks = Best(rounds, () => RandomWalks.Sample(graph, 4, 10, 1, threads, token), token);
        var options = new WalkTokenOptions(4, 4, 2);
        double tokens = Best(rounds, () => TokenSubgraphs.Of(graph, WalkTokens.Sample(graph, options, threads: threads, token: token), threads, token), token);
        var (prepare, epoch, peak) = Train(graph, Mamba, rounds, token);
        (double Prepare, double Epoch, long Peak)? attention = vertices <= MostAttention ? Train(graph, Attention, rounds, token) : null;
        return new GraphBenchmarkSize(
            vertices, graph.EdgeCount, 40.0 * vertices / walks, (double)options.TokensPerVertex * vertices / tokens, prepare, epoch, peak, attention?.Epoch, attention?.Peak);
    }

    /// <summary>Vertices with 5 edges each to others, drawn.</summary>
    public static CsrGraph Draw(int vertices)
    {
        var random = new Random(1);
        int[] from = new int[5 * vertices], to = new int[5 * vertices];
        for (int i = 0; i < from.Length; i++)
        {
            (from[i], to[i]) = (i / 5, random.Next(vertices));
        }

        return CsrGraph.FromArcs(vertices, from, to);
    }

    /// <summary>Seconds to make tokens, orders and matrices with the first forward pass, the best seconds of an epoch, and the peak of all.</summary>
    private static (double Prepare, double Epoch, long Peak) Train(CsrGraph graph, GraphModelOptions options, int rounds, CancellationToken token)
    {
        PeakMemory.Reset();
        using DisposeScope scope = NewDisposeScope();
        var random = new Random(2);
        float[] features = [.. Enumerable.Range(0, graph.VertexCount * Features).Select(_ => random.NextSingle())];
        manual_seed(0);
        using GraphModel model = options.Create(Features, Classes);
        using optim.Optimizer optimizer = Optimizers.AdamW(model, 1e-3, 1e-4);
        using var inputs = new GraphInputs(graph, NodeFeatures.Of(features, graph.VertexCount, Features), seed: 0);
        Tensor labels = randint(Classes, [graph.VertexCount], ScalarType.Int64);
        long start = Stopwatch.GetTimestamp();
        using (no_grad())
        using (NewDisposeScope())
        {
            model.forward(inputs);
        }

        double prepare = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double epoch = Best(rounds, () =>
        {
            using DisposeScope step = NewDisposeScope();
            optimizer.zero_grad();
            nn.functional.cross_entropy(model.forward(inputs), labels).backward();
            optimizer.step();
        }, token);
        return (prepare, epoch, PeakMemory.Bytes());
    }

    private static double Best(int rounds, Action action, CancellationToken token)
    {
        double best = double.PositiveInfinity;
        for (int i = 0; i < rounds; i++)
        {
            token.ThrowIfCancellationRequested();
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }
}
