using MambaExt.Blocks;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Models;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

/// <summary>Graph-Mamba of Wang et al.: published numbers of parameters, the layer against its formula in both forms, and that labels, batch mates and threads change
/// nothing.</summary>
public class GmbTests
{
    private const int Vertices = 40, Features = 5;
    private static readonly CsrGraph Graph = TestGraphs.Random(Vertices, 70, 5);

    public static TheoryData<string> Names => ["code", "paper", "edges", "encodings", "pagerank", "mean", "sum", "max"];

    private static GmbOptions Options(string name)
    {
        var options = new GmbOptions { d_model = 12, layers = 2, d_state = 4, dropout = 0.2, edge_states = false };
        return name switch
        {
            "paper" => options with { form = "paper" },
            "edges" => options with { edge_states = true },
            "encodings" => options with { lap_pe = 3, lap_eigs = 4, rwse = 2, rwse_steps = 6 },
            "mean" or "sum" or "max" => options with { pool = name },
            "pagerank" => options with { order = "pagerank" },
            _ => options,
        };
    }

    private static GmbModel Make(GmbOptions options, int arcs = 0)
    {
        set_num_threads(1);
        manual_seed(1);
        return new GmbModel(Features, 3, options, arcs);
    }

    private static float[] Draw(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Vertices * Features).Select(_ => (float)random.NextDouble() - 0.5f)];
    }

    private static GraphInputs Inputs(CsrGraph graph, float[] features, int[]? keys = null, int[]? graphOf = null) =>
        new(graph, NodeFeatures.Of(features, graph.VertexCount, Features), 3, keys, graphOf);

    private static float[] Logits(GraphModel model, GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        model.eval();
        return model.forward(inputs).contiguous().data<float>().ToArray();
    }

    /// <summary>Sheet graph.md 7: 174 rows of atom tables, 13 of bond tables, LapPE of 10 eigenvectors in 16 channels.</summary>
    [Theory]
    [InlineData(3, 10, 373_018)]
    [InlineData(4, 11, 491_867)]
    public void Parameters_are_as_many_as_published(int layers, int outputs, long expected)
    {
        foreach (string form in new[] { "code", "paper" })
        {
            using var model = new GmbModel(174, outputs, new GmbOptions { form = form, layers = layers, d_model = 96, lap_pe = 16, lap_eigs = 10, encoder_bias = false, pool = "mean" }, arcFeatures: 13);
            Assert.Equal(expected, model.ParameterCount);
            long Of(params string[] parts) => model.named_parameters().Where(p => parts.Any(part => p.name.StartsWith(part, StringComparison.Ordinal))).Sum(p => p.parameter.numel());
            Assert.Equal(13_920, Of("encoder.weight"));
            Assert.Equal(624, Of("encoder.lap_pe."));
            Assert.Equal(1_248, Of("arc_encoder."));
            Assert.Equal(97 * outputs, Of("head."));
            for (int i = 0; i < layers; i++)
            {
                string layer = $"layers.{i}.";
                Assert.Equal(34_080, Of(layer + "mamba."));
                Assert.Equal(46_560, Of([.. "ABCDE".Select(c => $"{layer}gated.{c}.")]));
                Assert.Equal(960, Of(layer + "gated.edge_norm.", layer + "gated_norm.", layer + "local_norm.", layer + "scan_norm.", layer + "global_norm.", layer + "mlp_norm."));
                Assert.Equal(37_152, Of(layer + "mlp_in.", layer + "mlp_out."));
                Assert.Equal(118_752, Of(layer));
            }
        }
    }

    [Theory]
    [InlineData("code")]
    [InlineData("paper")]
    public void A_layer_is_its_formula(string form)
    {
        using DisposeScope scope = NewDisposeScope();
        set_num_threads(1);
        manual_seed(2);
        GmbOptions options = Options(form) with { eval_orders = 3 };
        using var layer = new GmbLayer(options, edges: true);
        using var gated = new GatedGcnConv(12, 12, edges: true, options.dropout);
        using var mamba = new MambaBlock(options.Block);
        using (no_grad())
        {
            foreach (var (name, parameter) in layer.named_parameters())
            {
                // Norms that do something.
                if (name.Contains("norm", StringComparison.Ordinal))
                {
                    parameter.add_(randn_like(parameter) * 0.3);
                }
            }
        }

        gated.load_state_dict(Part("gated."));
        mamba.load_state_dict(Part("mamba."));
        layer.eval();
        gated.eval();
        using GraphInputs inputs = Inputs(Graph, Draw(2));
        Tensor x = randn(Vertices, 12), arcs = randn(Graph.ArcCount, 12);
        var (y, states) = gated.Forward(inputs, x, arcs);
        Tensor local = Norm("local_norm", x + Norm("gated_norm", y).relu()), scanned = zeros(Vertices, 12);
        for (int draw = 0; draw < 3; draw++)
        {
            VertexSequence sequence = inputs.Sequence(new DegreeOrder(), draw);
            Tensor rows = sequence.Sort(x);
            rows = form == "paper" ? nn.functional.layer_norm(rows, [12], P("scan_norm.weight"), P("scan_norm.bias")) : rows;
            scanned += sequence.Unsort(mamba.forward(rows)) / 3;
        }

        Tensor z = local + (form == "paper" ? x + scanned : Norm("global_norm", x + scanned));
        Tensor inner = nn.functional.linear(z, P("mlp_in.weight"), P("mlp_in.bias")).relu();
        Tensor expected = Norm("mlp_norm", z + nn.functional.linear(inner, P("mlp_out.weight"), P("mlp_out.bias")));
        var (found, next) = layer.Forward(inputs, x, arcs);
        Assert.True((expected - found).abs().max().item<float>() < 1e-5f);
        Assert.True((states! - next!).abs().max().item<float>() < 1e-6f);

        Tensor P(string name) => layer.named_parameters().Single(p => p.name == name).parameter;
        Tensor Norm(string name, Tensor rows) => (rows / Math.Sqrt(1 + 1e-5) * P(name + ".weight")) + P(name + ".bias");
        Dictionary<string, Tensor> Part(string prefix) => layer.state_dict().Where(p => p.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(p => p.Key[prefix.Length..], p => p.Value);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Vertices_relabelled_with_their_keys_keep_their_logits(string name)
    {
        using GmbModel model = Make(Options(name));
        var other = new Relabelling(Graph, 4);
        float[] features = Draw(2);
        using GraphInputs inputs = Inputs(Graph, features, other.Keys), moved = Inputs(other.Moved, other.Move<float>(features, Features), other.MovedKeys);
        float[] before = Logits(model, inputs), after = Logits(model, moved);
        before = Options(name).pool == "none" ? other.Move<float>(before, 3) : before;
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.True(before.Max() - before.Min() > 1e-3, "the model tells nothing apart, so the test would see nothing");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Other_graphs_in_the_batch_change_nothing(string name)
    {
        using GmbModel model = Make(Options(name));
        int[] keys = [.. Enumerable.Range(0, Vertices)];
        using GraphInputs single = Inputs(Graph, Draw(2), keys);
        float[] alone = Logits(model, single);
        foreach (int mate in new[] { 8, 9 })
        {
            (int, int)[] edges = [.. Edges(Graph, 0), .. Edges(TestGraphs.Random(Vertices, 60 + mate, mate), Vertices)];
            using GraphInputs both = Inputs(
                TestGraphs.Of(2 * Vertices, edges), [.. Draw(2), .. Draw(mate)], [.. keys, .. keys.Select(k => k + 10_000)], [.. Enumerable.Repeat(0, Vertices), .. Enumerable.Repeat(1, Vertices)]);
            Assert.All(alone.Zip(Logits(model, both)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_parameter_gets_a_gradient(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using GmbModel model = Make(Options(name));
        using GraphInputs inputs = Inputs(Graph, Draw(2), null, [.. Enumerable.Range(0, Vertices).Select(v => v < 15 ? 0 : 1)]);
        model.train();
        Tensor y = model.forward(inputs);
        (y * randn_like(y)).sum().backward();
        foreach (var (parameter, gradient) in model.named_parameters().Select(p => (p.name, p.parameter.grad)))
        {
            // No one reads the edges' states behind the last layer.
            bool read = !parameter.StartsWith("layers.1.gated.edge_norm.", StringComparison.Ordinal);
            Assert.True(!read || (gradient is not null && gradient.isfinite().all().item<bool>() && gradient.abs().max().item<float>() > 0), $"{parameter} gets no gradient");
        }
    }

    [Fact]
    public void Threads_change_nothing()
    {
        using GmbModel model = Make(Options("encodings"));
        int before = Compute.Threads;
        try
        {
            Compute.Threads = 1;
            using GraphInputs one = Inputs(Graph, Draw(2)), three = Inputs(Graph, Draw(2));
            float[] expected = Logits(model, one);
            Compute.Threads = 3;
            Assert.Equal(expected, Logits(model, three));
        }
        finally
        {
            Compute.Threads = before;
        }
    }

    [Fact]
    public void Training_draws_an_order_a_step_and_evaluation_the_same_ones()
    {
        using DisposeScope scope = NewDisposeScope();
        using GraphInputs inputs = Inputs(TestGraphs.Cycle(Vertices), Draw(2));
        GmbOptions options = Options("code") with { layers = 1, dropout = 0 };
        using GmbModel model = Make(options), still = Make(options with { order_noise = false });
        Assert.Equal(Logits(model, inputs), Logits(model, inputs));
        foreach (var (each, noisy) in new[] { (model, true), (still, false) })
        {
            each.train();
            float[] first = each.forward(inputs).data<float>().ToArray(), second = each.forward(inputs).data<float>().ToArray();
            Assert.Equal(!noisy, first.SequenceEqual(second));
        }
    }

    [Fact]
    public void Edge_features_are_read()
    {
        float[] Read(float value)
        {
            using GmbModel model = Make(Options("edges"), arcs: 2);
            using var inputs = new GraphInputs(
                Graph, NodeFeatures.Of(Draw(2), Vertices, Features), 3, arcFeatures: NodeFeatures.Of([.. Enumerable.Repeat(value, 2 * (int)Graph.ArcCount)], (int)Graph.ArcCount, 2));
            return Logits(model, inputs);
        }

        Assert.NotEqual(Read(1), Read(2));
    }

    [Fact]
    public void Impossible_options_are_refused_with_a_sentence()
    {
        OneSentence.Of<ArgumentException>((Options("code") with { form = "preprint" }).Validate, "form is 'preprint'", "code and paper");
        OneSentence.Of<ArgumentException>((Options("code") with { layers = 0 }).Validate, "layers is 0");
        OneSentence.Of<ArgumentException>((Options("code") with { order = "size" }).Validate, "'size'", "pagerank");
        OneSentence.Of<ArgumentException>((Options("code") with { eval_orders = 0 }).Validate, "eval_orders is 0");
        OneSentence.Of<ArgumentException>((Options("code") with { pool = "median" }).Validate, "'median'");
        OneSentence.Of<ArgumentException>((Options("code") with { lap_pe = 6, rwse = 6 }).Validate, "6 and 6", "d_model 12");
        OneSentence.Of<ArgumentException>((Options("code") with { lap_eigs = 0 }).Validate, "lap_eigs is 0");
        OneSentence.Of<ArgumentException>((Options("code") with { rwse_steps = 0 }).Validate, "rwse_steps is 0");
        OneSentence.Of<ArgumentException>((Options("code") with { d_state = 0 }).Validate, "d_state is 0");
    }

    private static IEnumerable<(int, int)> Edges(CsrGraph graph, int first) =>
        Enumerable.Range(0, graph.VertexCount).SelectMany(v => graph.Neighbours(v).ToArray().Select(w => (v + first, w + first)));
}
