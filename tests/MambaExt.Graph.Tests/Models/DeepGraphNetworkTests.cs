using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

public class DeepGraphNetworkTests
{
    private const int Vertices = 40, Features = 5;

    public static TheoryData<string> Names => ["mlp", "gcn", "gcn2", "sage", "gat", "gatedgcn", "gin", "transformer", "gps", "scan", "tokens", "depth", "pre", "jumping", "sum", "max", "mean"];

    private static DeepGraphOptions Options(string name)
    {
        var options = new DeepGraphOptions { d_model = 8, layers = 2, heads = 2, norm = "batch", norm_place = "post", residual = "linear", dropout = 0.2, d_state = 4, M = 3, m = 2 };
        return name switch
        {
            "mlp" => options with { conv = "linear" },
            "transformer" => options with { conv = "attention", residual = "identity", norm = "layer", norm_place = "pre", feed_forward = true },
            "gps" => options with { conv = "gatedgcn", attention = true, feed_forward = true, norm = "layer" },
            "scan" => options with { scan_every = 1, layer_scale = 0.5 },
            "tokens" => options with { conv = "sage", token_stage = true, scan_every = 2, layer_scale = 0.5 },
            "depth" => options with { layers = 3, depth_scan = 1, layer_scale = 0.5 },
            "pre" => options with { norm_place = "pre", residual = "identity", mlp = true, activation = "gelu" },
            "jumping" => options with { jumping = true, norm = "none", residual = "none" },
            "sum" or "max" or "mean" => options with { pool = name, scan_every = 1 },
            _ => options with { conv = name },
        };
    }

    private static DeepGraphNetwork Make(string name)
    {
        set_num_threads(1);
        manual_seed(1);
        return new DeepGraphNetwork(Features, 3, Options(name));
    }

    private static float[] Draw(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Vertices * Features).Select(_ => (float)random.NextDouble() - 0.5f)];
    }

    private static float[] Logits(GraphModel model, CsrGraph graph, float[] features, int[]? keys = null, int[]? graphOf = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        using var inputs = new GraphInputs(graph, NodeFeatures.Of(features, graph.VertexCount, Features), 3, keys, graphOf);
        model.eval();
        return model.forward(inputs).contiguous().data<float>().ToArray();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Vertices_relabelled_with_their_keys_keep_their_logits(string name)
    {
        using DeepGraphNetwork model = Make(name);
        CsrGraph graph = TestGraphs.Random(Vertices, 70, 5);
        float[] features = Draw(2), moved = new float[features.Length];
        int[] keys = [.. Enumerable.Range(0, Vertices).Select(v => 1000 - 3 * v)], movedKeys = new int[Vertices], label = [.. Enumerable.Range(0, Vertices)];
        new Random(4).Shuffle(label);
        for (int v = 0; v < Vertices; v++)
        {
            movedKeys[label[v]] = keys[v];
            features.AsSpan(v * Features, Features).CopyTo(moved.AsSpan(label[v] * Features));
        }

        float[] before = Logits(model, graph, features, keys), after = Logits(model, TestGraphs.Relabel(graph, label), moved, movedKeys);
        bool pooled = before.Length == 3;
        for (int v = 0; v < (pooled ? 1 : Vertices); v++)
        {
            for (int k = 0; k < 3; k++)
            {
                Assert.Equal(before[v * 3 + k], after[(pooled ? 0 : label[v]) * 3 + k], 2e-4f);
            }
        }

        Assert.True(before.Max() - before.Min() > 1e-3, "the model tells nothing apart, so the test would see nothing");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Other_graphs_in_the_batch_change_nothing(string name)
    {
        using DeepGraphNetwork model = Make(name);
        CsrGraph graph = TestGraphs.Random(Vertices, 70, 5);
        int[] keys = [.. Enumerable.Range(0, Vertices)];
        float[] alone = Logits(model, graph, Draw(2), keys);
        foreach (int mate in new[] { 8, 9 })
        {
            CsrGraph other = TestGraphs.Random(Vertices, 60 + mate, mate);
            (int, int)[] edges = [.. Edges(graph, 0), .. Edges(other, Vertices)];
            float[] together = Logits(
                model, TestGraphs.Of(2 * Vertices, edges), [.. Draw(2), .. Draw(mate)], [.. keys, .. keys.Select(k => k + 10_000)],
                [.. Enumerable.Repeat(0, Vertices), .. Enumerable.Repeat(1, Vertices)]);
            Assert.Equal(alone.Length * 2, together.Length);
            Assert.All(alone.Zip(together), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_parameter_gets_a_gradient(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using DeepGraphNetwork model = Make(name);
        using var inputs = new GraphInputs(TestGraphs.Random(Vertices, 70, 5), NodeFeatures.Of(Draw(2), Vertices, Features), 3);
        model.train();
        Tensor y = model.forward(inputs);
        (y * randn_like(y)).sum().backward();
        foreach (var (parameter, gradient) in model.named_parameters().Select(p => (p.name, p.parameter.grad)))
        {
            Assert.True(gradient is not null && gradient.isfinite().all().item<bool>(), parameter);

            // The last token's backward scan has seen just itself, and a decay needs two.
            Assert.True(gradient!.abs().max().item<float>() > 0 || (name is "tokens" or "depth" && parameter.EndsWith("backward_block.A_log", StringComparison.Ordinal)), $"{parameter} gets a gradient of zero");
        }
    }

    /// <summary>d = 8, F = 5, K = 3: encoder 48, head 27, then a block of each kind by hand.</summary>
    [Theory]
    [InlineData("mlp", 75 + 2 * (72 + 72 + 16))]
    [InlineData("gcn", 75 + 2 * (72 + 72 + 16))]
    [InlineData("gcn2", 75 + 2 * (64 + 72 + 16))]
    [InlineData("sage", 75 + 2 * (72 + 64 + 72 + 16))]
    [InlineData("gat", 75 + 2 * (64 + 16 + 8 + 72 + 16))]
    [InlineData("gatedgcn", 75 + 2 * ((4 * 72) + 72 + 16))]
    [InlineData("gin", 75 + 2 * (1 + 72 + 16 + 72 + 72 + 16))]
    [InlineData("transformer", 75 + 16 + 2 * (16 + (3 * 72) + 72 + 16 + 144 + 136))]
    [InlineData("gps", 75 + 2 * ((4 * 72) + 72 + 16 + (3 * 72) + 72 + 16 + 144 + 136))]
    [InlineData("pre", 75 + 16 + 2 * (16 + 72 + 72))]
    [InlineData("depth", 75 + 3 * (72 + 72 + 16) + Scan)]
    [InlineData("mean", 75 + 72 + 2 * (72 + 72 + 16 + Scan))]
    public void Parameters_are_as_many_as_the_formulas_have(string name, long expected)
    {
        using DeepGraphNetwork model = Make(name);
        Assert.Equal(expected, model.ParameterCount);
    }

    // Norm, scale, W_out, and two blocks of d 8, N 4, conv 4, rank 1: in_proj 128, conv 40, x_proj 72, dt_proj 16, A_log 32, D 8, out_proj 64.
    private const int Scan = 16 + 8 + 64 + 2 * (128 + 40 + 72 + 16 + 32 + 8 + 64);

    [Fact]
    public void A_gmb_layers_gated_gcn_has_the_published_number_of_parameters()
    {
        using var conv = new MambaExt.Graph.Layers.GatedGcnConv(96, 96, edges: true);

        // Five linears and the edges' batch norm.
        Assert.Equal(46_560 + 192, conv.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void Without_the_scan_it_is_the_same_network_minus_it()
    {
        foreach (string data in new[] { "minesweeper", "tolokers" })
        {
            var whole = (DeepGraphOptions)NodeRecipe.For(data, NodeRecipe.Deep).Model;
            var without = (DeepGraphOptions)NodeRecipe.For(data, NodeRecipe.Deep + "-no-scan").Model;
            Assert.True(whole.Scans && !without.Scans);
            using var with = new DeepGraphNetwork(7, 1, whole);
            using var plain = new DeepGraphNetwork(7, 1, without);
            string[] more = [.. with.named_parameters().Select(p => p.name).Except(plain.named_parameters().Select(p => p.name))];
            Assert.NotEmpty(more);
            Assert.All(more, name => Assert.Matches(@"\.scan\.|^depth\.", name));
            Assert.Equal(with.parameters().Count() - more.Length, plain.parameters().Count());
        }
    }

    [Fact]
    public void Edge_features_are_read_by_those_that_can()
    {
        using DisposeScope scope = NewDisposeScope();
        CsrGraph graph = TestGraphs.Random(Vertices, 70, 5);
        foreach (string conv in new[] { "gin", "gatedgcn" })
        {
            manual_seed(2);
            using var model = new DeepGraphNetwork(Features, 3, Options(conv), arcFeatures: 2);
            float[] Read(float value)
            {
                using var inputs = new GraphInputs(graph, NodeFeatures.Of(Draw(2), Vertices, Features), 3, arcFeatures: NodeFeatures.Of([.. Enumerable.Repeat(value, 2 * (int)graph.ArcCount)], (int)graph.ArcCount, 2));
                model.eval();
                return model.forward(inputs).data<float>().ToArray();
            }

            Assert.NotEqual(Read(1), Read(2));
        }
    }

    [Theory]
    [InlineData("conv", "gcnn")]
    [InlineData("norm", "group")]
    [InlineData("residual", "some")]
    [InlineData("layers", "0")]
    [InlineData("heads", "3")]
    [InlineData("scan_every", "9")]
    [InlineData("d_model", "0")]
    public void Impossible_options_are_refused_with_a_sentence(string what, string given)
    {
        DeepGraphOptions o = Options("gat");
        o = what switch
        {
            "conv" => o with { conv = given },
            "norm" => o with { norm = given },
            "residual" => o with { residual = given },
            "layers" => o with { layers = 0 },
            "heads" => o with { heads = 3 },
            "scan_every" => o with { scan_every = 9 },
            _ => o with { d_model = 0 },
        };
        OneSentence.Of<ArgumentException>(o.Validate, what, given);
    }

    [Fact]
    public void Every_model_has_a_recipe_that_can_be_made_for_every_data_set()
    {
        foreach (string data in GraphDataSets.All.Select(d => d.Name))
        {
            foreach (string model in NodeRecipe.Names)
            {
                NodeRecipe recipe = NodeRecipe.For(data, model);
                recipe.Training.Validate();
                recipe.Model.Validate(3000);
            }
        }

        OneSentence.Of<ArgumentException>(() => NodeRecipe.For("cora", "gcnn"), "gcnn", "did you mean gcn");
    }

    private static IEnumerable<(int, int)> Edges(CsrGraph graph, int first) =>
        Enumerable.Range(0, graph.VertexCount).SelectMany(v => graph.Neighbours(v).ToArray().Select(w => (v + first, w + first)));
}
