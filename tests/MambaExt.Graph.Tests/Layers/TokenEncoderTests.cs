using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Tokens;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Layers;

/// <summary>Encoders of tokens against plain loops over the tokens and walks, in doubles.</summary>
public class TokenEncoderTests
{
    private const int Vertices = 30, Channels = 6, M = 3, Longest = 3, Repeats = 2, L = (Longest * Repeats) + 1;
    private const ulong Seed = 5;
    private static readonly CsrGraph Graph = TestGraphs.Random(Vertices, 45, 7);

    private static double[][] Draw() => [.. Enumerable.Range(0, Vertices).Select(v => Enumerable.Range(0, Channels).Select(c => Math.Sin((v * 1.7) + (c * 2.3))).ToArray())];

    private static float[] Encode(TokenEncoder encoder, double[][] x)
    {
        using DisposeScope scope = NewDisposeScope();
        using var inputs = new GraphInputs(Graph, NodeFeatures.Of(new float[Vertices], Vertices, 1), Seed);
        Tensor rows = tensor([.. x.SelectMany(row => row.Select(e => (float)e))], [Vertices, Channels]);
        return encoder.forward(inputs, rows).contiguous().data<float>().ToArray();
    }

    private static void Close(Func<int, int, double[]> expected, float[] actual)
    {
        double worst = 0, largest = 0;
        for (int v = 0; v < Vertices; v++)
        {
            for (int p = 0; p < L; p++)
            {
                double[] row = expected(v, p);
                for (int c = 0; c < Channels; c++)
                {
                    worst = Math.Max(worst, Math.Abs(row[c] - actual[(((v * L) + p) * Channels) + c]));
                    largest = Math.Max(largest, Math.Abs(row[c]));
                }
            }
        }

        Assert.True(worst <= 1e-5 * largest, $"off by {worst} of {largest}");
    }

    private static double[,] Weight(nn.Module module, string name)
    {
        Tensor weight = module.named_parameters().Single(p => p.name == name).parameter;
        float[] values = weight.data<float>().ToArray();
        int columns = (int)weight.shape[^1];
        var result = new double[values.Length / columns, columns];
        for (int i = 0; i < values.Length; i++)
        {
            result[i / columns, i % columns] = values[i];
        }

        return result;
    }

    private static double[] Linear(nn.Module module, string name, double[] x)
    {
        double[,] w = Weight(module, name + ".weight"), b = Weight(module, name + ".bias");
        return [.. Enumerable.Range(0, Channels).Select(o => b[0, o] + Enumerable.Range(0, Channels).Sum(i => w[o, i] * x[i]))];
    }

    private static double[] Normed(double[] x)
    {
        double mean = x.Average(), variance = x.Average(e => (e - mean) * (e - mean));
        return [.. x.Select(e => (e - mean) / Math.Sqrt(variance + 1e-5))];
    }

    private static double[] Mean(IReadOnlyCollection<double[]> rows) => [.. Enumerable.Range(0, Channels).Select(c => rows.Average(row => row[c]))];

    [Fact]
    public void Mean_is_over_the_vertices_of_each_token()
    {
        double[][] x = Draw();
        WalkTokens tokens = TestTokens.Draw(Graph, new WalkTokenOptions(M, Longest, Repeats, Seed));
        using var encoder = new MeanTokenEncoder(M, Longest, Repeats);
        Close((v, p) => Mean([.. tokens.Token(v, p).ToArray().Select(w => x[w])]), Encode(encoder, x));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Gated_gcn_runs_on_the_induced_subgraph_of_each_token(int layers)
    {
        manual_seed(1);
        double[][] x = Draw();
        WalkTokens tokens = TestTokens.Draw(Graph, new WalkTokenOptions(M, Longest, Repeats, Seed));
        using var encoder = new SubgraphTokenEncoder(Channels, M, Longest, Repeats, layers);
        Close(Token, Encode(encoder, x));

        double[] Token(int v, int p)
        {
            int[] own = tokens.Token(v, p).ToArray();
            Dictionary<int, double[]> h = own.ToDictionary(w => w, w => x[w]);
            for (int layer = 0; layer < layers; layer++)
            {
                var next = new Dictionary<int, double[]>();
                foreach (int i in own)
                {
                    double[] Map(string map, int w) => Linear(encoder, $"convs.{layer}.{map}", Normed(h[w]));
                    int[] neighbours = [.. own.Where(j => Graph.HasEdge(i, j))];
                    double[] sum = Map("A", i), d = Map("D", i), above = new double[Channels], below = new double[Channels];
                    foreach (int j in neighbours)
                    {
                        double[] e = Map("E", j), b = Map("B", j);
                        for (int c = 0; c < Channels; c++)
                        {
                            double gate = 1 / (1 + Math.Exp(-d[c] - e[c]));
                            above[c] += gate * b[c];
                            below[c] += gate;
                        }
                    }

                    next[i] = [.. h[i].Select((value, c) => value + Math.Max(0, sum[c] + (above[c] / (below[c] + 1e-6))))];
                }

                h = next;
            }

            return Mean(h.Values);
        }
    }

    [Fact]
    public void Random_walk_features_are_those_of_each_walk()
    {
        manual_seed(2);
        double[][] x = Draw();
        const int Window = Longest;
        using var encoder = new WalkTokenEncoder(Channels, M, Longest, Repeats);
        double[,] bits = Weight(encoder, "bits"), behind = Weight(encoder, "behind"), ahead = Weight(encoder, "ahead");
        WalkTokens tokens = TestTokens.Draw(Graph, new WalkTokenOptions(M, Longest, Repeats, Seed));
        Dictionary<(int Length, int Repeat), int[]> walks = Walks();
        int revisits = 0, chords = 0;
        Close(Token, Encode(encoder, x));
        Assert.True(revisits > 100 && chords > 20, $"{revisits} revisits and {chords} edges back are too few to see a wrong bit");

        double[] Token(int v, int p)
        {
            int length = p == L - 1 ? 0 : Longest - (p / Repeats), repeat = p == L - 1 ? 0 : Repeats - 1 - (p % Repeats);
            var rows = new List<double[]>();
            for (int w = 0; w < (length == 0 ? 1 : M); w++)
            {
                int[] walk = [v, .. length == 0 ? [] : walks[(length, repeat)].Skip(((v * M) + w) * length).Take(length)];
                Assert.All(walk, at => Assert.Contains(at, tokens.Token(v, p).ToArray()));
                double[][] z = [.. walk.Select((_, i) => Step(walk, i))];
                for (int i = 0; i < z.Length; i++)
                {
                    double[] mixed = [.. Enumerable.Range(0, Channels).Select(c => Enumerable.Range(0, 4).Sum(k =>
                        (i - k >= 0 ? behind[c, 3 - k] * z[i - k][c] : 0) + (i + k < z.Length ? ahead[c, 3 - k] * z[i + k][c] : 0)))];
                    rows.Add(Linear(encoder, "linear", [.. Normed(mixed).Select(e => Math.Max(0, e))]));
                }
            }

            return Mean(rows);
        }

        double[] Step(int[] walk, int i)
        {
            double[] z = [.. x[walk[i]]];
            for (int k = 1; k <= Math.Min(Window, i); k++)
            {
                bool there = walk[i] == walk[i - k], joined = k >= 2 && Graph.HasEdge(walk[i], walk[i - k]);
                (revisits, chords) = (revisits + (there ? 1 : 0), chords + (joined ? 1 : 0));
                for (int c = 0; c < Channels; c++)
                {
                    z[c] += (there ? bits[k - 1, c] : 0) + (joined ? bits[Window + k - 2, c] : 0);
                }
            }

            return z;
        }
    }

    [Theory]
    [InlineData("gatedgcn")]
    [InlineData("rwf")]
    public void Recomputation_changes_no_gradient(string name)
    {
        GraphMambaOptions options = new() { d_model = Channels, d_state = 2, M = M, m = Longest, s = Repeats, token_encoder = name, mpnn = MessagePassing.None, dropout = 0 };
        Assert.Equal(Gradients(options), Gradients(options with { recompute = true }));
    }

    [Theory]
    [InlineData("gatedgcn")]
    [InlineData("rwf")]
    public void How_the_vertices_are_cut_changes_nothing(string name)
    {
        // More rows than go through at once: on a cycle tokens have up to 3 and 5 vertices, and 1 for the vertex itself.
        const int Many = 8_600;
        manual_seed(4);
        set_num_threads(1);
        using TokenEncoder whole = name == "rwf" ? new WalkTokenEncoder(2, 16, 2, 1) : new SubgraphTokenEncoder(2, 8, 2, 8);
        using TokenEncoder cut = name == "rwf" ? new WalkTokenEncoder(2, 16, 2, 1, recompute: true) : new SubgraphTokenEncoder(2, 8, 2, 8, recompute: true);
        cut.load_state_dict(whole.state_dict());
        using DisposeScope scope = NewDisposeScope();
        using var inputs = new GraphInputs(TestGraphs.Cycle(Many), NodeFeatures.Of(new float[Many], Many, 1), Seed);
        Tensor x = rand(Many, 2).requires_grad_(), y = whole.forward(inputs, x), z = cut.forward(inputs, x);
        Assert.True((y - z).abs().max().item<float>() <= 1e-6f);
        Tensor of = rand_like(y);
        (y * of).sum().backward();
        Tensor first = x.grad!.clone();
        x.grad!.zero_();
        (z * of).sum().backward();
        Assert.True((first - x.grad!).abs().max().item<float>() <= 1e-5f * first.abs().max().item<float>());
    }

    private static float[] Gradients(GraphMambaOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        set_num_threads(1);
        manual_seed(3);
        using var model = new GraphMamba(Channels, 2, options);
        using var inputs = new GraphInputs(Graph, NodeFeatures.Of([.. Draw().SelectMany(row => row.Select(e => (float)e))], Vertices, Channels), Seed);
        model.forward(inputs).square().sum().backward();
        return [.. model.parameters().SelectMany(p => p.grad!.contiguous().data<float>().ToArray())];
    }

    /// <summary>Walks by length and repeat, [V, M, length], found by the rule of the tokens: number w length + t of the counter (key, length and repeat).</summary>
    private static Dictionary<(int Length, int Repeat), int[]> Walks()
    {
        var walks = new Dictionary<(int, int), int[]>();
        for (int length = 1; length <= Longest; length++)
        {
            for (int repeat = 0; repeat < Repeats; repeat++)
            {
                var visited = new List<int>();
                for (int v = 0; v < Vertices; v++)
                {
                    for (int w = 0; w < M; w++)
                    {
                        int at = v;
                        for (int t = 0; t < length; t++)
                        {
                            int number = (w * length) + t;
                            var (r0, r1, r2, r3) = CounterRandom.Block(Seed, (uint)v, ((uint)length << 16) | (uint)repeat, (uint)number / 4, (uint)RandomStream.Walks << CounterRandom.StreamShift);
                            ulong random = new[] { r0, r1, r2, r3 }[number % 4];
                            at = Graph.Degree(at) == 0 ? at : Graph.Neighbours(at)[(int)((random * (ulong)Graph.Degree(at)) >> 32)];
                            visited.Add(at);
                        }
                    }
                }

                walks[(length, repeat)] = [.. visited];
            }
        }

        return walks;
    }
}
