using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Tokens;
using QuikGraph;
using QuikGraph.Algorithms.Search;

namespace MambaExt.Graph.Tests.Tokens;

public class WalkTokensTests
{
    [Fact]
    public void Tokens_stay_within_as_many_hops_as_the_walk_has_steps()
    {
        CsrGraph graph = TestGraphs.Random(60, 80, seed: 5);
        WalkTokens tokens = TestTokens.Draw(graph, new WalkTokenOptions(3, 5, 2, Seed: 9));
        Assert.Equal(11, tokens.TokensPerVertex);
        for (int v = 0; v < graph.VertexCount; v++)
        {
            Dictionary<int, int> hops = HopsFrom(graph, v);
            for (int p = 0; p < tokens.TokensPerVertex; p++)
            {
                int[] token = tokens.Token(v, p).ToArray();
                int length = tokens.WalkLength(p);
                Assert.Contains(v, token);
                Assert.Equal(token.Order().Distinct(), token);
                Assert.True(token.Length <= 1 + 3 * length);
                Assert.All(token, w => Assert.True(hops.TryGetValue(w, out int distance) && distance <= length, $"{w} is too far from {v}"));
            }
        }
    }

    [Fact]
    public void Token_positions_run_from_the_longest_walk_to_the_vertex()
    {
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Cycle(8), new WalkTokenOptions(1, 3, 2));
        Assert.Equal([3, 3, 2, 2, 1, 1, 0], Enumerable.Range(0, 7).Select(tokens.WalkLength));
        Assert.Equal([5], tokens.Token(5, 6).ToArray());
        Assert.All(Enumerable.Range(4, 2), p => Assert.Equal(2, tokens.Token(5, p).Length));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(20)]
    public void Many_walks_cover_the_ball(int walks)
    {
        // 20 walks of 3 steps are ranked as one list, 400 are sorted by digits and made in two batches.
        CsrGraph graph = TestGraphs.Random(12, 16, seed: 6);
        WalkTokens tokens = TestTokens.Draw(graph, new WalkTokenOptions(walks, 3, 40));
        for (int v = 0; v < graph.VertexCount; v++)
        {
            Dictionary<int, int> hops = HopsFrom(graph, v);
            for (int length = 1; length <= 3; length++)
            {
                int[] union = [.. Enumerable.Range(0, tokens.TokensPerVertex).Where(p => tokens.WalkLength(p) == length)
                    .SelectMany(p => tokens.Token(v, p).ToArray()).Distinct().Order()];
                Assert.Equal(hops.Where(pair => pair.Value <= length).Select(pair => pair.Key).Order(), union);
            }
        }
    }

    [Fact]
    public void Isolated_vertex_stays_where_it_is()
    {
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Of(3, (0, 2)), new WalkTokenOptions(4, 3, 2));
        Assert.All(Enumerable.Range(0, 7), p => Assert.Equal([1], tokens.Token(1, p).ToArray()));
    }

    [Fact]
    public void No_steps_leave_the_vertex_alone()
    {
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Cycle(5), new WalkTokenOptions(4, 0, 3));
        Assert.Equal([0L, 1, 2, 3, 4, 5], tokens.Offsets.ToArray());
        Assert.Equal([0, 1, 2, 3, 4], tokens.Vertices.ToArray());
    }

    [Fact]
    public void Empty_graph_has_no_tokens() =>
        Assert.Equal([0L], TestTokens.Draw(CsrGraph.FromArcs(0, [], []), new WalkTokenOptions(4, 2, 2)).Offsets.ToArray());

    [Fact]
    public void Walks_far_longer_than_the_graph_stay_within_its_memory()
    {
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Cycle(5), new WalkTokenOptions(64, 150, 1) { MaximumBytes = 1 << 20 });
        Assert.Equal([0, 1, 2, 3, 4], tokens.Token(3, 0).ToArray());
    }

    [Fact]
    public void Mean_weights_average_over_each_token()
    {
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Random(20, 40, seed: 14), new WalkTokenOptions(2, 2, 2));
        SparseMatrix weights = tokens.MeanWeights();
        Assert.Equal((100, 20), (weights.Rows, weights.Columns));
        for (int row = 0; row < weights.Rows; row++)
        {
            int[] token = tokens.Token(row / 5, row % 5).ToArray();
            Assert.Equal(token, weights.Indices[(int)weights.Offsets[row]..(int)weights.Offsets[row + 1]]);
            Assert.All(weights.Values[(int)weights.Offsets[row]..(int)weights.Offsets[row + 1]], w => Assert.Equal(1f / token.Length, w));
        }
    }

    [Fact]
    public void Bad_options_are_refused_in_one_sentence()
    {
        CsrGraph graph = TestGraphs.Cycle(5);
        void Refuses(WalkTokenOptions options, params string[] mentions) =>
            OneSentence.Of<ArgumentException>(() => TestTokens.Draw(graph, options), mentions);
        Refuses(new WalkTokenOptions(0, 1, 1), "(M) is 0", "1 to");
        Refuses(new WalkTokenOptions(1, -1, 1), "(m) is -1");
        Refuses(new WalkTokenOptions(1, 70_000, 1), "70000");
        Refuses(new WalkTokenOptions(1, 1, 0), "(s) is 0");
        Refuses(new WalkTokenOptions(4, 4, 4) { MaximumBytes = 100 }, "MaximumBytes", "GiB");
        Refuses(new WalkTokenOptions(1, 65_535, 65_536), "tokens");
        OneSentence.Of<ArgumentException>(() => TestTokens.Draw(graph, new WalkTokenOptions(1, 1, 1), [1, 2, 3, 2, 5]), "1 and 3", "key 2");
        OneSentence.Of<ArgumentException>(() => TestTokens.Draw(graph, new WalkTokenOptions(1, 1, 1), [1, 2]), "2 vertex keys");
        OneSentence.Of<ArgumentException>(() => TestTokens.Draw(graph, new WalkTokenOptions(1, 1, 1), threads: -1), "-1");
        OneSentence.Of<ArgumentException>(() => TestTokens.Draw(graph, new WalkTokenOptions(1, 1, 1)).Token(5, 0), "0 to 4");
    }

    [Fact]
    public void Estimate_of_memory_bounds_what_is_kept()
    {
        var options = new WalkTokenOptions(4, 4, 2);
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Random(500, 5000, seed: 15), options);
        Assert.True(options.MostBytes(500) >= 8.0 * tokens.Offsets.Length - 8 + 4.0 * tokens.Vertices.Length);
    }

    [Fact]
    public void Cancelled_work_stops()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => WalkTokens.Sample(TestGraphs.Cycle(5), new WalkTokenOptions(1, 1, 1), token: source.Token));
    }

    private static Dictionary<int, int> HopsFrom(CsrGraph graph, int vertex)
    {
        var search = new UndirectedBreadthFirstSearchAlgorithm<int, SUndirectedEdge<int>>(graph.ToQuikGraph());
        var hops = new Dictionary<int, int> { [vertex] = 0 };
        search.TreeEdge += (_, edge) => hops[edge.Target] = hops[edge.Source] + 1;
        search.Compute(vertex);
        return hops;
    }
}
