using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

public class RecomputedScanTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(70_000)]
    public void Recomputed_layers_have_the_same_gradients(int vertices)
    {
        set_num_threads(1);

        // The larger one has more sequences than are scanned at once.
        var options = new GraphMambaOptions { d_model = 4, d_state = 2, M = 1, m = 1, node_layers = 1, mpnn = MessagePassing.None, dropout = 0.3 };
        float[][] kept = Gradients(options, vertices), recomputed = Gradients(options with { recompute = true }, vertices);
        Assert.Equal(kept.Length, recomputed.Length);

        // The backward scan of the token layer ends, at the row that is read, where it begins: its decay has no gradient.
        Assert.InRange(kept.Count(a => a.All(x => x == 0)), 0, 2);
        foreach (var (a, b) in kept.Zip(recomputed))
        {
            float largest = a.Max(MathF.Abs);
            Assert.All(a.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 2e-4f * largest));
        }
    }

    private static float[][] Gradients(GraphMambaOptions options, int vertices)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(7);
        var random = new Random(1);
        float[] features = [.. Enumerable.Range(0, 3 * vertices).Select(_ => random.NextSingle() - 0.5f)];
        using var model = new GraphMamba(3, 2, options);
        using var inputs = new GraphInputs(TestGraphs.Cycle(vertices), NodeFeatures.Of(features, vertices, 3), 0);
        model.train();
        model.forward(inputs).square().mean().backward();
        return [.. model.parameters().Select(p => p.grad!.contiguous().data<float>().ToArray())];
    }
}
