using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Benchmarks;

/// <summary>How many walk steps a second become tokens?</summary>
internal static class WalkBenchmark
{
    public static void Run()
    {
        const int Vertices = 100_000, Edges = 500_000;
        var random = new Random(1);
        int[] from = [.. Enumerable.Range(0, Edges).Select(_ => random.Next(Vertices))], to = [.. Enumerable.Range(0, Edges).Select(_ => random.Next(Vertices))];
        CsrGraph graph = CsrGraph.FromArcs(Vertices, from, to);
        foreach (int threads in new[] { 1, 2 })
        {
            var options = new WalkTokenOptions(4, 4, 2);
            Timing.Report($"tokens of {Vertices:n0} vertices, M 4, m 4, s 2 ({options.StepsPerVertex * Vertices / 1e6:f0} M steps), {threads} thread(s)", () => WalkTokens.Sample(graph, options, threads: threads), 5);
        }
    }
}
