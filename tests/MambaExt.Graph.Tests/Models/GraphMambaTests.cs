using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

public class GraphMambaTests
{
    private const int Vertices = 60;
    private const int Features = 7;

    public static TheoryData<string> Models => ["gcn", "sage", "appnp", "residual", "none", "random", "m0", "mean", "gat", "gatedgcn", "gin", "gin residual", "ppr", "core", "orders", "encodings", "subgraphs", "subgraphs m0", "walks", "forward"];

    private static GraphMambaOptions Options(string model)
    {
        var options = new GraphMambaOptions { d_model = 12, d_state = 4, M = 3, m = 2, s = 2, node_layers = 2, dropout = 0 };
        return model switch
        {
            "gcn" => options,
            "sage" => options with { mpnn = MessagePassing.Sage },
            "appnp" => options with { mpnn = MessagePassing.Appnp, propagate_scan = true },
            "residual" => options with { mpnn = MessagePassing.Sage, mpnn_layers = 3, mpnn_residual = true },
            "none" => options with { mpnn = MessagePassing.None },
            "random" => options with { order = "random" },
            "gat" => options with { mpnn = MessagePassing.Gat, heads = 3 },
            "gatedgcn" => options with { mpnn = MessagePassing.GatedGcn },
            "gin" => options with { mpnn = MessagePassing.Gin },
            "gin residual" => options with { mpnn = MessagePassing.Gin, mpnn_layers = 3, mpnn_residual = true },
            "ppr" or "core" => options with { order = model },
            "orders" => options with { eval_orders = 3, order_noise = true },
            "encodings" => options with { lap_pe = 3, lap_eigs = 4, rwse = 2, rwse_steps = 5 },
            "subgraphs" => options with { token_encoder = "gatedgcn", encoder_layers = 2 },
            "subgraphs m0" => options with { token_encoder = "gatedgcn", m = 0 },
            "walks" => options with { token_encoder = "rwf" },
            "forward" => options with { direction = "forward" },
            "m0" => options with { m = 0 },
            _ => options with { readout = "mean" },
        };
    }

    /// <summary>A ring with chords and one vertex without neighbours.</summary>
    private static (int[] From, int[] To) Edges(int seed, int vertices = Vertices)
    {
        var random = new Random(seed);
        var from = new List<int>();
        var to = new List<int>();
        for (int v = 0; v < vertices - 1; v++)
        {
            from.Add(v);
            to.Add((v + 1) % (vertices - 1));
            if (random.Next(2) == 0)
            {
                from.Add(v);
                to.Add(random.Next(vertices - 1));
            }
        }

        return ([.. from], [.. to]);
    }

    private static float[] DrawFeatures(int seed, int vertices = Vertices)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, vertices * Features).Select(_ => (float)random.NextDouble() - 0.5f)];
    }

    private static float[] Logits(GraphMamba model, CsrGraph graph, float[] features, int[]? keys = null, int[]? graphOf = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        using var inputs = new GraphInputs(graph, NodeFeatures.Of(features, graph.VertexCount, Features), 3, keys, graphOf);
        model.eval();
        return model.forward(inputs).contiguous().data<float>().ToArray();
    }

    private static GraphMamba Make(string model)
    {
        set_num_threads(1);
        manual_seed(1);
        return new GraphMamba(Features, 3, Options(model));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Vertices_relabelled_with_their_keys_keep_their_logits(string name)
    {
        using GraphMamba model = Make(name);
        var (from, to) = Edges(1);
        float[] features = DrawFeatures(2);
        int[] keys = [.. Enumerable.Range(0, Vertices).Select(v => 1000 - 3 * v)];
        float[] before = Logits(model, CsrGraph.FromArcs(Vertices, from, to), features, keys);

        int[] label = [.. Enumerable.Range(0, Vertices)];
        new Random(4).Shuffle(label);
        var movedFeatures = new float[features.Length];
        var movedKeys = new int[Vertices];
        for (int v = 0; v < Vertices; v++)
        {
            movedKeys[label[v]] = keys[v];
            features.AsSpan(v * Features, Features).CopyTo(movedFeatures.AsSpan(label[v] * Features));
        }

        CsrGraph moved = CsrGraph.FromArcs(Vertices, [.. from.Select(v => label[v])], [.. to.Select(v => label[v])]);
        float[] after = Logits(model, moved, movedFeatures, movedKeys);
        double worst = 0;
        for (int v = 0; v < Vertices; v++)
        {
            for (int k = 0; k < 3; k++)
            {
                worst = Math.Max(worst, Math.Abs(before[v * 3 + k] - after[label[v] * 3 + k]));
            }
        }

        Assert.True(worst <= 1e-5, $"logits moved by {worst}");
        Assert.True(before.Max() - before.Min() > 1e-3, "the model tells no vertices apart, so the test would see nothing");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Other_graphs_in_the_batch_change_nothing(string name)
    {
        using GraphMamba model = Make(name);
        var (from, to) = Edges(1);
        float[] features = DrawFeatures(2);
        int[] keys = [.. Enumerable.Range(0, Vertices)];
        float[] alone = Logits(model, CsrGraph.FromArcs(Vertices, from, to), features, keys);
        foreach (int mate in new[] { 5, 6 })
        {
            var (otherFrom, otherTo) = Edges(mate);
            CsrGraph both = CsrGraph.FromArcs(2 * Vertices, [.. from, .. otherFrom.Select(v => v + Vertices)], [.. to, .. otherTo.Select(v => v + Vertices)]);
            float[] together = Logits(
                model, both, [.. features, .. DrawFeatures(mate)], [.. keys, .. keys.Select(k => k + 10_000)], [.. Enumerable.Repeat(0, Vertices), .. Enumerable.Repeat(1, Vertices)]);
            Assert.Equal(alone, together[..alone.Length]);
        }
    }

    [Fact]
    public void Thread_counts_change_nothing()
    {
        using GraphMamba model = Make("gcn");
        var (from, to) = Edges(1);
        CsrGraph graph = CsrGraph.FromArcs(Vertices, from, to);
        int before = Compute.Threads;
        try
        {
            Compute.Threads = 1;
            float[] one = Logits(model, graph, DrawFeatures(2));
            foreach (int threads in new[] { 2, 5 })
            {
                Compute.Threads = threads;
                Assert.Equal(one, Logits(model, graph, DrawFeatures(2)));
            }
        }
        finally
        {
            Compute.Threads = before;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_parameter_gets_a_gradient(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using GraphMamba model = Make(name);
        var (from, to) = Edges(1);
        using var inputs = new GraphInputs(CsrGraph.FromArcs(Vertices, from, to), NodeFeatures.Of(DrawFeatures(2), Vertices, Features), 3);
        model.forward(inputs).square().sum().backward();
        foreach (var (parameter, gradient) in model.named_parameters().Select(p => (p.name, p.parameter.grad)))
        {
            Assert.True(gradient is not null && gradient.isfinite().all().item<bool>(), parameter);

            // Where the last row alone is read, the last layer's backward scan has seen just that row, and a decay needs two; a vertex
            // that is its only token has no second row in either direction.
            bool decay = parameter.EndsWith("A_log", StringComparison.Ordinal) && parameter.Contains("token_layers", StringComparison.Ordinal);
            // Alone in its token a vertex has no neighbours to be gated.
            bool gate = name == "subgraphs m0" && (parameter.Contains("convs.0.B", StringComparison.Ordinal) || parameter.Contains("convs.0.D", StringComparison.Ordinal) || parameter.Contains("convs.0.E", StringComparison.Ordinal));
            if (!gate && !(decay && (name is "m0" or "subgraphs m0" || (name != "mean" && parameter.Contains("backward_block", StringComparison.Ordinal)))))
            {
                Assert.True(gradient!.abs().max().item<float>() > 0, $"{parameter} gets a gradient of zero");
            }
        }
    }

    [Fact]
    public void Sparse_and_dense_features_give_the_same_logits()
    {
        using GraphMamba model = Make("gcn");
        var (from, to) = Edges(1);
        CsrGraph graph = CsrGraph.FromArcs(Vertices, from, to);
        float[] features = DrawFeatures(2);
        float[] dense = Logits(model, graph, features);
        using DisposeScope scope = NewDisposeScope();
        long[] offsets = [.. Enumerable.Range(0, Vertices + 1).Select(v => (long)v * Features)];
        int[] indices = [.. Enumerable.Range(0, Vertices * Features).Select(i => i % Features)];
        using var inputs = new GraphInputs(graph, NodeFeatures.Of(new SparseMatrix(Vertices, Features, offsets, indices, features)), 3);
        float[] sparse = model.forward(inputs).contiguous().data<float>().ToArray();
        Assert.All(dense.Zip(sparse), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Theory]
    [InlineData("no scan, no messages")]
    [InlineData("order")]
    [InlineData("dropout")]
    [InlineData("d_state")]
    public void Impossible_options_are_refused_with_a_sentence(string what)
    {
        var options = new GraphMambaOptions();
        options = what switch
        {
            "order" => options with { order = "alphabet" },
            "dropout" => options with { dropout = double.NaN },
            "d_state" => options with { d_state = 0 },
            _ => options with { scan = false, mpnn = MessagePassing.None },
        };
        var error = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains(what.Split(',')[0].Replace("no ", "", StringComparison.Ordinal), error.Message);
    }
}
