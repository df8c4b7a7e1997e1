using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Benchmarks;

/// <summary>How many walk steps a second become tokens?</summary>
internal static class WalkBenchmark
{
    public static void Run()
    {
        foreach (int vertices in new[] { 100_000, 1_000_000 })
        {
            var random = new Random(1);
            int[] from = [.. Enumerable.Range(0, 5 * vertices).Select(_ => random.Next(vertices))], to = [.. Enumerable.Range(0, 5 * vertices).Select(_ => random.Next(vertices))];
            CsrGraph graph = CsrGraph.FromArcs(vertices, from, to);
            foreach (int threads in new[] { 1, 2 })
            {
                var options = new WalkTokenOptions(4, 4, 2);
                Timing.Report($"4 walks of 10 steps from {vertices:n0} vertices ({40 * vertices / 1e6:f0} M steps), {threads} thread(s)", () => RandomWalks.Sample(graph, 4, 10, 1, threads: threads), 5);
                WalkTokens? tokens = null;
                Timing.Report($"tokens of {vertices:n0} vertices, M 4, m 4, s 2 ({options.StepsPerVertex * vertices / 1e6:f0} M steps), {threads} thread(s)", () => tokens = WalkTokens.Sample(graph, options, threads: threads), 3);
                Timing.Report($"their induced subgraphs ({9 * vertices / 1e6:f1} M tokens), {threads} thread(s)", () => TokenSubgraphs.Of(graph, tokens!, threads), 3);
            }
        }
    }
}
