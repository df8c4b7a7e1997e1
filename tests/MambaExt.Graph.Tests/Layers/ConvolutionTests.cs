using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Layers;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Layers;

/// <summary>Every convolution on a graph of six vertices against its formula over a dense adjacency: a triangle with a tail, and a vertex without
/// neighbours.</summary>
public sealed class ConvolutionTests : IDisposable
{
    private const int Vertices = 6, Width = 4;
    private static readonly CsrGraph Graph = TestGraphs.Of(Vertices, (0, 1), (1, 2), (0, 2), (2, 3), (3, 4));
    private readonly DisposeScope _scope;
    private readonly GraphInputs _inputs;
    private readonly Tensor _x;
    private readonly Tensor _adjacency = zeros(Vertices, Vertices);

    public ConvolutionTests()
    {
        set_num_threads(1);
        manual_seed(7);
        _scope = NewDisposeScope();
        _x = randn(Vertices, Width);
        _inputs = new GraphInputs(Graph, NodeFeatures.Of(new float[Vertices], Vertices, 1), 0, arcFeatures: NodeFeatures.Of(new float[10], 10, 1));
        _adjacency = zeros(Vertices, Vertices);
        for (int v = 0; v < Vertices; v++)
        {
            foreach (int w in Graph.Neighbours(v))
            {
                _adjacency[v, w] = 1;
            }
        }
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Gcn()
    {
        using var conv = new GcnConv(Width, 3);
        Tensor loops = _adjacency + eye(Vertices), root = loops.sum(1L).rsqrt().diag();
        Close(root.matmul(loops).matmul(root).matmul(_x).matmul(P(conv, "linear.weight").t()) + P(conv, "linear.bias"), conv.forward(_inputs, _x));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Gcn2(int layer)
    {
        using var conv = new Gcn2Conv(Width, layer, 0.2, 0.7);
        Tensor loops = _adjacency + eye(Vertices), root = loops.sum(1L).rsqrt().diag(), initial = randn(Vertices, Width);
        Tensor h = (0.8 * root.matmul(loops).matmul(root).matmul(_x)) + (0.2 * initial);
        double beta = Math.Log(1 + (0.7 / layer));
        Close(((1 - beta) * h) + (beta * h.matmul(P(conv, "linear.weight").t())), conv.Propagate(_inputs, _x, initial));
        Close(conv.Propagate(_inputs, _x, _x), conv.forward(_inputs, _x));
    }

    [Fact]
    public void Sage()
    {
        using var conv = new SageConv(Width, 3);
        Tensor mean = _adjacency.matmul(_x) / _adjacency.sum(1L, keepdim: true).clamp_min(1);
        Close(mean.matmul(P(conv, "linear.weight").t()) + P(conv, "linear.bias") + _x.matmul(P(conv, "self.weight").t()), conv.forward(_inputs, _x));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Gat(int heads)
    {
        using var conv = new GatConv(Width, 6, heads);
        Tensor h = _x.matmul(P(conv, "linear.weight").t()).view(Vertices, heads, -1), mask = (_adjacency + eye(Vertices)) == 0;
        Tensor target = (h * P(conv, "a_target")).sum(2L), source = (h * P(conv, "a_source")).sum(2L);
        Tensor[] parts = [.. Enumerable.Range(0, heads).Select(k =>
        {
            Tensor score = nn.functional.leaky_relu(target.select(1, k).unsqueeze(1) + source.select(1, k).unsqueeze(0), 0.2);
            return score.masked_fill(mask, float.NegativeInfinity).softmax(1).matmul(h.select(1, k));
        })];
        Close(cat(parts, 1) + P(conv, "bias"), conv.forward(_inputs, _x));
    }

    [Fact]
    public void Gated_gcn_without_edge_features()
    {
        using var conv = new GatedGcnConv(Width, 3);
        Tensor gate = (L(conv, "D", _x).unsqueeze(1) + L(conv, "E", _x).unsqueeze(0)).sigmoid() * _adjacency.unsqueeze(2);
        Tensor mean = (gate * L(conv, "B", _x).unsqueeze(0)).sum(1L) / (gate.sum(1L) + 1e-6);
        Close(L(conv, "A", _x) + mean, conv.forward(_inputs, _x));
    }

    [Fact]
    public void Gated_gcn_with_edge_features()
    {
        using var conv = new GatedGcnConv(Width, Width, edges: true);
        Tensor arcs = randn(Graph.ArcCount, Width), raw = zeros(Vertices, Vertices, Width), rawArcs = zeros(Graph.ArcCount, Width);
        for (int v = 0, e = 0; v < Vertices; v++)
        {
            foreach (int w in Graph.Neighbours(v))
            {
                rawArcs[e] = L(conv, "D", _x)[v] + L(conv, "E", _x)[w] + L(conv, "C", arcs)[e];
                raw[v, w] = rawArcs[e++];
            }
        }

        Tensor gate = raw.sigmoid() * _adjacency.unsqueeze(2), mean = (gate * L(conv, "B", _x).unsqueeze(0)).sum(1L) / (gate.sum(1L) + 1e-6);
        var (y, next) = conv.Forward(_inputs, _x, arcs);
        Close(L(conv, "A", _x) + mean, y);
        Close(arcs + nn.functional.batch_norm(rawArcs, zeros(Width), ones(Width), training: true).relu(), next!);
    }

    [Fact]
    public void Gin_and_gine()
    {
        using var conv = new GinConv(Width, 3);
        using (no_grad())
        {
            P(conv, "eps").fill_(0.3);
        }

        Tensor Mlp(Tensor sum) => L(conv, "second", nn.functional.batch_norm(L(conv, "first", sum), zeros(3), ones(3), training: true).relu());
        Close(Mlp(_x * 1.3 + _adjacency.matmul(_x)), conv.forward(_inputs, _x));
        Tensor arcs = randn(Graph.ArcCount, Width);
        var messages = zeros(Vertices, Width);
        for (int v = 0, e = 0; v < Vertices; v++)
        {
            foreach (int w in Graph.Neighbours(v))
            {
                messages[v] = messages[v] + (_x[w] + arcs[e++]).relu();
            }
        }

        Close(Mlp(_x * 1.3 + messages), conv.Forward(_inputs, _x, arcs).X);
    }

    [Fact]
    public void Attention_keeps_to_its_graph()
    {
        using var conv = new AttentionConv(Width, 2);
        using var pack = new GraphInputs(Graph, NodeFeatures.Of(new float[Vertices], Vertices, 1), 0, graphOf: [0, 0, 0, 0, 0, 1]);
        Tensor all = L(conv, "in_proj", _x);
        Tensor mask = zeros(Vertices, Vertices);
        mask.narrow(0, 5, 1).narrow(1, 0, 5).fill_(float.NegativeInfinity);
        mask.narrow(0, 0, 5).narrow(1, 5, 1).fill_(float.NegativeInfinity);
        Tensor Head(int k, Tensor hidden) =>
            (all.narrow(1, 2 * k, 2).matmul(all.narrow(1, Width + 2 * k, 2).t()) / Math.Sqrt(2) + hidden).softmax(1).matmul(all.narrow(1, 2 * Width + 2 * k, 2));
        Close(L(conv, "out_proj", cat([Head(0, mask), Head(1, mask)], 1)), conv.forward(pack, _x));
        Tensor none = zeros(Vertices, Vertices);
        Close(L(conv, "out_proj", cat([Head(0, none), Head(1, none)], 1)), conv.forward(_inputs, _x));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        OneSentence.Of<ArgumentException>(() => _ = new GatConv(4, 6, 4), "4 heads", "6 channels");
        OneSentence.Of<ArgumentException>(() => _ = new AttentionConv(6, 4), "4 heads", "6 channels");
        OneSentence.Of<ArgumentException>(() => _ = new GatedGcnConv(4, 6, edges: true), "4", "6");
        using var conv = new GatedGcnConv(4, 4, edges: true);
        OneSentence.Of<ArgumentException>(() => conv.forward(_inputs, _x), "with edge features", "none");
        OneSentence.Of<ArgumentException>(() => _ = new GraphInputs(Graph, NodeFeatures.Of(new float[6], 6, 1), 0, arcFeatures: NodeFeatures.Of(new float[6], 6, 1)), "6 rows", "10 arcs");
        OneSentence.Of<ArgumentException>(() => _ = new GraphInputs(Graph, NodeFeatures.Of(new float[6], 6, 1), 0, graphOf: [0, 0, 2, 2, 2, 2]), "Vertex 2", "graph 2");
    }

    private static Tensor P(nn.Module module, string name) => module.named_parameters().Single(p => p.name == name).parameter;

    private static Tensor L(nn.Module module, string name, Tensor x) => x.matmul(P(module, name + ".weight").t()) + P(module, name + ".bias");

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<float>() <= 2e-5f, $"expected {expected.str()}, got {actual.str()}");
    }
}
