using MambaExt.Graph.Encodings;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Encodings;

/// <summary>Against torch's dense eigenpairs, and against a grid whose eigenvalues are known.</summary>
public class LaplacianEigenvectorsTests
{
    private static readonly Dictionary<string, CsrGraph> Graphs = new()
    {
        ["random"] = TestGraphs.Random(90, 200, 1),
        ["many components"] = TestGraphs.Random(60, 40, 2),
        ["cycle"] = TestGraphs.Cycle(24),
        ["long cycle"] = TestGraphs.Cycle(300),
        ["complete"] = TestGraphs.Of(9, [.. Enumerable.Range(0, 9).SelectMany(v => Enumerable.Range(0, v).Select(w => (v, w)))]),
        ["star"] = TestGraphs.Star(80),
        ["two cycles"] = TestGraphs.Of(150, [.. Enumerable.Range(0, 70).Select(v => (v, (v + 1) % 70)), .. Enumerable.Range(0, 80).Select(v => (70 + v, 70 + ((v + 1) % 80)))]),
        ["smaller than k"] = TestGraphs.Of(4, (0, 1), (1, 2)),
        ["larger"] = TestGraphs.Random(700, 2000, 3),
    };

    public static TheoryData<string> Names => [.. Graphs.Keys];

    private static LaplacianEigenvectors Of(CsrGraph graph, int count, ReadOnlySpan<int> keys = default, ReadOnlySpan<int> starts = default) =>
        LaplacianEigenvectors.Of(graph, count, 7, keys, starts, TestContext.Current.CancellationToken);

    [Theory]
    [MemberData(nameof(Names))]
    public void Pairs_are_those_of_the_dense_matrix(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        CsrGraph graph = Graphs[name];
        const int K = 8;
        int n = graph.VertexCount, there = Math.Min(K, n);
        LaplacianEigenvectors found = Of(graph, K);
        Tensor laplacian = zeros(n, n, dtype: ScalarType.Float64);
        for (int v = 0; v < n; v++)
        {
            laplacian[v, v] = graph.Degree(v);
            foreach (int w in graph.Neighbours(v))
            {
                laplacian[v, w] = -1;
            }
        }

        double[] dense = [.. linalg.eigvalsh(laplacian).data<double>().Take(there)];
        Assert.All(dense.Zip(found.Values.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.All(found.Values[there..].ToArray(), value => Assert.True(float.IsNaN(value)));
        Tensor vectors = tensor(found.Vectors.ToArray(), [n, K]).to_type(ScalarType.Float64), values = tensor(dense);
        Assert.Equal(0, vectors.narrow(1, there, K - there).abs().sum().item<double>());
        vectors = vectors.narrow(1, 0, there);

        // Eigenvectors, of length 1 and at right angles: then they are the dense ones up to sign and rotation among equals.
        Assert.True((laplacian.matmul(vectors) - vectors * values).norm().item<double>() < 1e-4);
        Assert.True((vectors.t().matmul(vectors) - eye(there, dtype: ScalarType.Float64)).norm().item<double>() < 1e-5);
        Assert.InRange(found.Residual, 0, Lobpcg.Tolerance * Enumerable.Range(0, n).Max(graph.Degree) + 1e-12);
    }

    [Fact]
    public void A_grid_of_10_000_vertices_has_its_known_eigenvalues()
    {
        const int Side = 100, K = 10;
        CsrGraph grid = TestGraphs.Of(
            Side * Side,
            [.. Enumerable.Range(0, Side * Side).SelectMany(v => new[] { (v, v % Side == Side - 1 ? v : v + 1), (v, v / Side == Side - 1 ? v : v + Side) })]);
        float[] expected = [.. Enumerable.Range(0, 10).SelectMany(i => Enumerable.Range(0, 10).Select(j => (float)(4 - (2 * Math.Cos(Math.PI * i / Side)) - (2 * Math.Cos(Math.PI * j / Side))))).Order().Take(K)];
        LaplacianEigenvectors found = Of(grid, K);
        Assert.All(expected.Zip(found.Values.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-7f));
        Assert.InRange(found.Residual, 0, 4 * Lobpcg.Tolerance);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Labels_and_threads_change_no_bit(string name)
    {
        CsrGraph graph = Graphs[name];
        var other = new Relabelling(graph, 5);
        int before = Compute.Threads;
        try
        {
            Compute.Threads = 1;
            LaplacianEigenvectors one = Of(graph, 6, other.Keys);
            Compute.Threads = 3;
            LaplacianEigenvectors moved = Of(other.Moved, 6, other.MovedKeys);
            Assert.Equal(one.Values.ToArray(), moved.Values.ToArray());
            Assert.Equal(other.Move(one.Vectors, 6), moved.Vectors.ToArray());
        }
        finally
        {
            Compute.Threads = before;
        }
    }

    [Fact]
    public void Another_graph_beside_it_changes_nothing()
    {
        CsrGraph first = TestGraphs.Random(50, 60, 1), second = TestGraphs.Random(70, 140, 2);
        (int, int)[] edges = [.. Edges(first, 0), .. Edges(second, 50)];
        int[] keys = [.. Enumerable.Range(0, 120)];
        LaplacianEigenvectors both = Of(TestGraphs.Of(120, edges), 5, keys, [0, 50, 120]), alone = Of(second, 5, keys.AsSpan(50));
        Assert.Equal(alone.Values.ToArray(), both.Values[5..].ToArray());
        Assert.Equal(alone.Vectors.ToArray(), both.Vectors[250..].ToArray());
    }

    private static IEnumerable<(int, int)> Edges(CsrGraph graph, int first) =>
        Enumerable.Range(0, graph.VertexCount).SelectMany(v => graph.Neighbours(v).ToArray().Select(w => (v + first, w + first)));
}
