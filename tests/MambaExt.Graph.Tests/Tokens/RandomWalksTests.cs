using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Tokens;

namespace MambaExt.Graph.Tests.Tokens;

public class RandomWalksTests
{
    // More than one block of vertices, one of them without neighbours at its end.
    private static readonly CsrGraph Graph = TestGraphs.Of(1500, [.. TestEdges()]);

    [Theory]
    [InlineData(4, 3)]
    [InlineData(1, 1)]
    [InlineData(7, 5)]
    [InlineData(300, 2)]
    public void A_walk_goes_along_edges_and_its_set_is_the_token(int walks, int length)
    {
        int[] visited = RandomWalks.Sample(Graph, walks, length, seed: 5, threads: 2);
        Assert.Equal(visited, RandomWalks.Sample(Graph, walks, length, seed: 5, threads: 1));
        WalkTokens tokens = WalkTokens.Sample(Graph, new WalkTokenOptions(walks, length, 1, 5), threads: 2);
        for (int v = 0; v < Graph.VertexCount; v++)
        {
            ReadOnlySpan<int> own = visited.AsSpan(v * walks * length, walks * length);
            for (int w = 0; w < walks; w++)
            {
                int at = v;
                foreach (int next in own.Slice(w * length, length))
                {
                    Assert.True(Graph.HasEdge(at, next) || (at == next && Graph.Degree(at) == 0));
                    at = next;
                }
            }

            // The first token is that of the longest walks.
            Assert.Equal(own.ToArray().Append(v).Distinct().Order(), tokens.Token(v, 0).ToArray());
        }
    }

    [Fact]
    public void Few_walks_and_many_take_the_same_steps()
    {
        // Walks of length 2 and repeat 0 are the same whether their tokens are made together (few steps a vertex) or one by one.
        WalkTokens few = WalkTokens.Sample(Graph, new WalkTokenOptions(5, 2, 2, 9)), many = WalkTokens.Sample(Graph, new WalkTokenOptions(5, 2, 100, 9));
        Assert.True(new WalkTokenOptions(5, 2, 100).StepsPerVertex > 1024 && new WalkTokenOptions(5, 2, 2).StepsPerVertex < 1024);
        for (int v = 0; v < Graph.VertexCount; v++)
        {
            for (int repeat = 0; repeat < 2; repeat++)
            {
                Assert.Equal(many.Token(v, 99 - repeat).ToArray(), few.Token(v, 1 - repeat).ToArray());
                Assert.Equal(many.Token(v, 199 - repeat).ToArray(), few.Token(v, 3 - repeat).ToArray());
            }
        }
    }

    // Taken before walks went side by side; a trained model depends on its tokens.
    [Theory]
    [InlineData(4, 4, 2, false, "33D34D2BCDA2F8B1")]
    [InlineData(4, 4, 2, true, "E390AE16A78BE759")]
    [InlineData(5, 2, 100, true, "694D942F253470D5")]
    [InlineData(300, 3, 1, false, "11D8060CC9144229")]
    public void Tokens_of_a_seed_stay_what_they_are(int walks, int longest, int repeats, bool keyed, string expected)
    {
        var random = new Random(4);
        CsrGraph graph = TestGraphs.Of(1500, [.. Enumerable.Range(0, 6000).Select(_ => (random.Next(1499), random.Next(1499)))]);
        int[] keys = keyed ? [.. Enumerable.Range(0, 1500).Select(v => 100_000 - (7 * v))] : [];
        WalkTokens tokens = WalkTokens.Sample(graph, new WalkTokenOptions(walks, longest, repeats, 11), keys, threads: 2);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(tokens.Offsets));
        hash.AppendData(MemoryMarshal.AsBytes(tokens.Vertices));
        Assert.StartsWith(expected, Convert.ToHexString(hash.GetHashAndReset()));
    }

    [Fact]
    public void Bad_sizes_are_refused_in_a_sentence()
    {
        OneSentence.Of<ArgumentException>(() => RandomWalks.Sample(Graph, 0, 3, 0), "0 walks", "1 to 65536");
        OneSentence.Of<ArgumentException>(() => RandomWalks.Sample(Graph, 60_000, 60_000, 0), "at most");
    }

    [Theory]
    [InlineData(3, 3, 2)]
    [InlineData(12, 4, 1)]
    [InlineData(1, 1, 1)]
    public void Subgraphs_are_those_of_a_plain_loop(int walks, int longest, int repeats)
    {
        // A hub that has far more neighbours than a token has vertices.
        CsrGraph graph = TestGraphs.Of(400, [.. TestEdges().Where(e => e.A < 399 && e.B < 399), .. Enumerable.Range(1, 398).Select(v => (0, v))]);
        WalkTokens tokens = WalkTokens.Sample(graph, new WalkTokenOptions(walks, longest, repeats, 2));
        TokenSubgraphs subgraphs = TokenSubgraphs.Of(graph, tokens, threads: 2);
        int[] vertices = tokens.Vertices.ToArray();
        Assert.Equal(vertices.Length + 1, subgraphs.Offsets.Length);
        for (int row = 0; row < tokens.Offsets.Length - 1; row++)
        {
            int begin = (int)tokens.Offsets[row], end = (int)tokens.Offsets[row + 1];
            for (int e = begin; e < end; e++)
            {
                int[] expected = [.. Enumerable.Range(begin, end - begin).Where(f => graph.HasEdge(vertices[e], vertices[f]))];
                Assert.Equal(expected, subgraphs.Targets[(int)subgraphs.Offsets[e]..(int)subgraphs.Offsets[e + 1]].ToArray());
            }
        }

        OneSentence.Of<ArgumentException>(() => TokenSubgraphs.Of(TestGraphs.Cycle(5), tokens), "400", "5");
    }

    private static IEnumerable<(int A, int B)> TestEdges()
    {
        var random = new Random(4);
        return Enumerable.Range(0, 6000).Select(_ => (random.Next(1499), random.Next(1499)));
    }
}
