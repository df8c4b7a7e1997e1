using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Tests.Support;

/// <summary>Draws tokens under the running test's cancellation.</summary>
internal static class TestTokens
{
    public static WalkTokens Draw(CsrGraph graph, WalkTokenOptions options, ReadOnlySpan<int> keys = default, int threads = 0) =>
        WalkTokens.Sample(graph, options, keys, threads, TestContext.Current.CancellationToken);
}
