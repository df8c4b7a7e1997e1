using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Tests.Tokens;

public class WalkRandomnessTests
{
    [Fact]
    public void Tokens_are_the_same_at_any_thread_count_and_differ_by_seed()
    {
        CsrGraph graph = TestGraphs.Random(3000, 9000, seed: 7);
        var options = new WalkTokenOptions(5, 4, 2, Seed: 77);
        WalkTokens one = TestTokens.Draw(graph, options, threads: 1);
        foreach (int threads in new[] { 2, 5 })
        {
            WalkTokens other = TestTokens.Draw(graph, options, threads: threads);
            Assert.True(one.Offsets.SequenceEqual(other.Offsets) && one.Vertices.SequenceEqual(other.Vertices));
        }

        Assert.False(one.Vertices.SequenceEqual(TestTokens.Draw(graph, options with { Seed = 78 }).Vertices));
    }

    [Fact]
    public void Tokens_of_a_fixed_seed_are_those_of_every_machine()
    {
        // Computed outside of this library from the definition; a change breaks every published seed.
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Of(30, [.. Enumerable.Range(0, 60).Select(i => (i % 30, (i + 1 + 6 * (i / 30)) % 30))]), new WalkTokenOptions(2, 3, 1, Seed: 1));
        ulong hash = 14695981039346656037;
        foreach (int v in tokens.Vertices)
        {
            hash = (hash ^ (uint)v) * 1099511628211;
        }

        Assert.Equal(17748487883679985741UL, hash);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    public void Relabelling_with_keys_relabels_the_tokens(int walks)
    {
        CsrGraph graph = TestGraphs.Random(200, 500, seed: 10);
        var random = new Random(11);
        int[] names = [.. Enumerable.Range(0, 200)];
        random.Shuffle(names);
        int[] keys = [.. Enumerable.Range(0, 200).Select(v => 7 * v - 300)];
        random.Shuffle(keys);
        var newKeys = new int[200];
        for (int v = 0; v < 200; v++)
        {
            newKeys[names[v]] = keys[v];
        }

        var options = new WalkTokenOptions(walks, 4, 2);
        WalkTokens before = TestTokens.Draw(graph, options, keys), after = TestTokens.Draw(TestGraphs.Relabel(graph, names), options, newKeys);
        for (int v = 0; v < 200; v++)
        {
            for (int p = 0; p < before.TokensPerVertex; p++)
            {
                Assert.Equal(before.Token(v, p).ToArray().Select(w => names[w]).Order(), after.Token(names[v], p).ToArray());
            }
        }
    }

    [Fact]
    public void Own_numbers_as_keys_change_nothing()
    {
        CsrGraph graph = TestGraphs.Random(50, 100, seed: 12);
        var options = new WalkTokenOptions(2, 2, 2);
        Assert.True(TestTokens.Draw(graph, options).Vertices.SequenceEqual(TestTokens.Draw(graph, options, [.. Enumerable.Range(0, 50)]).Vertices));
    }

    [Fact]
    public void More_repeats_keep_the_earlier_ones()
    {
        CsrGraph graph = TestGraphs.Random(50, 150, seed: 13);
        WalkTokens few = TestTokens.Draw(graph, new WalkTokenOptions(2, 2, 1)), many = TestTokens.Draw(graph, new WalkTokenOptions(2, 2, 3));
        for (int v = 0; v < 50; v++)
        {
            Assert.Equal(few.Token(v, 0).ToArray(), many.Token(v, 2).ToArray());
            Assert.Equal(few.Token(v, 1).ToArray(), many.Token(v, 5).ToArray());
        }
    }

    [Fact]
    public void First_step_is_uniform_over_the_neighbours()
    {
        // One walk of one step from the hub of a star with 10 leaves, 20,000 times; chi-square with 9 degrees of freedom exceeds 27.9 once in 1,000.
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Star(10), new WalkTokenOptions(1, 1, 20_000, Seed: 3));
        var counts = new int[11];
        for (int p = 0; p < 20_000; p++)
        {
            counts[tokens.Token(0, p)[1]]++;
        }

        Assert.True(counts.Skip(1).Sum(c => Math.Pow(c - 2000, 2) / 2000) < 27.9);
    }

    [Fact]
    public void Second_step_is_independent_of_the_first()
    {
        // Two steps on a long cycle come back to the start with probability 1/2, and else end two away on either side.
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Cycle(9), new WalkTokenOptions(1, 2, 20_000, Seed: 4));
        int back = Enumerable.Range(0, 20_000).Count(p => tokens.Token(0, p).Length == 2);
        int right = Enumerable.Range(0, 20_000).Count(p => tokens.Token(0, p).Contains(2));
        Assert.InRange(back, 10_000 - 280, 10_000 + 280);
        Assert.InRange(right, 5_000 - 245, 5_000 + 245);
    }

    [Fact]
    public void Walks_of_one_token_differ()
    {
        // Eight walks of one step on a star would name one leaf if they shared their numbers.
        WalkTokens tokens = TestTokens.Draw(TestGraphs.Star(1000), new WalkTokenOptions(8, 1, 1));
        Assert.True(tokens.Token(0, 0).Length >= 8);
    }
}
