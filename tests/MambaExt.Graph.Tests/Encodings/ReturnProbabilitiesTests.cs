using MambaExt.Graph.Encodings;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Encodings;

/// <summary>Against diagonals of dense powers.</summary>
public class ReturnProbabilitiesTests
{
    private static readonly CsrGraph Graph = TestGraphs.Random(80, 130, 4);

    private static float[] Of(CsrGraph graph, int steps, int[]? keys = null, long? arcs = null) =>
        ReturnProbabilities.Of(graph, steps, 3, keys, arcs, TestContext.Current.CancellationToken);

    /// <summary>[V, K].</summary>
    private static double[] Dense(CsrGraph graph, int steps)
    {
        using DisposeScope scope = NewDisposeScope();
        int n = graph.VertexCount;
        Tensor walk = zeros(n, n, dtype: ScalarType.Float64), power = eye(n, dtype: ScalarType.Float64);
        for (int v = 0; v < n; v++)
        {
            if (graph.Degree(v) == 0)
            {
                walk[v, v] = 1;
            }

            foreach (int w in graph.Neighbours(v))
            {
                walk[v, w] = 1.0 / graph.Degree(v);
            }
        }

        return stack([.. Enumerable.Range(0, steps).Select(_ => (power = power.matmul(walk)).diagonal())], 1).contiguous().data<double>().ToArray();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(16)]
    public void They_are_the_diagonals_of_the_powers(int steps)
    {
        Assert.Contains(Enumerable.Range(0, 80), v => Graph.Degree(v) == 0);
        Assert.All(Dense(Graph, steps).Zip(Of(Graph, steps)), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Fact]
    public void Estimates_are_near_and_only_where_the_rule_says()
    {
        float[] exact = Of(Graph, 8), estimated = Of(Graph, 8, arcs: 0), some = Of(Graph, 8, arcs: 120);

        // Five standard errors of the least certain share.
        Assert.All(exact.Zip(estimated), pair => Assert.Equal(pair.First, pair.Second, 5 * 0.5f / 16));
        Assert.NotEqual(exact, estimated);

        // Each row is exact up to an even step, and the estimate from there on.
        int[] known = [.. Enumerable.Range(0, 80).Select(v => Enumerable.Range(0, 9).Last(k => some.AsSpan(v * 8, k).SequenceEqual(exact.AsSpan(v * 8, k))))];
        Assert.Contains(8, known);
        Assert.Contains(known, k => k is >= 2 and < 8);
        Assert.All(Enumerable.Range(0, 80), v => Assert.Equal(estimated.AsSpan((v * 8) + known[v], 8 - known[v]), some.AsSpan((v * 8) + known[v], 8 - known[v])));
    }

    [Fact]
    public void Labels_and_threads_change_no_bit()
    {
        var other = new Relabelling(Graph, 6);
        int before = Compute.Threads;
        try
        {
            foreach (long? arcs in new long?[] { null, 0 })
            {
                Compute.Threads = 1;
                float[] one = Of(Graph, 9, other.Keys, arcs);
                Compute.Threads = 3;
                Assert.Equal(other.Move<float>(one, 9), Of(other.Moved, 9, other.MovedKeys, arcs));
            }
        }
        finally
        {
            Compute.Threads = before;
        }
    }
}
