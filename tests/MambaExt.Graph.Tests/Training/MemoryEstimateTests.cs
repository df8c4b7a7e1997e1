using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Training;

namespace MambaExt.Graph.Tests.Training;

public class MemoryEstimateTests
{
    private const long Million = 1_000_000;
    private static readonly GraphMambaOptions Mamba = new() { d_model = 64, M = 4, m = 2, s = 1, node_layers = 2, recompute = true };

    [Fact]
    public void A_million_vertices_with_recomputation_are_what_was_measured()
    {
        // bench graph, 1,000,000 vertices of degree 10: 12.5 kB a vertex.
        Assert.InRange(MemoryEstimate.Bytes(Mamba, Million, 10 * Million, 16 * Million), 9e9, 17.2e9);
        Assert.InRange(MemoryEstimate.Bytes(Mamba with { recompute = false }, Million, 10 * Million, 16 * Million), 30e9, 60e9);
    }

    [Theory]
    [InlineData("mean")]
    [InlineData("gatedgcn")]
    [InlineData("rwf")]
    public void It_grows_with_vertices_channels_and_layers_and_falls_with_parts(string encoder)
    {
        foreach (GraphModelOptions model in new GraphModelOptions[] { Mamba with { token_encoder = encoder }, Mamba with { token_encoder = encoder, recompute = false }, new DeepGraphOptions(), new GmbOptions() })
        {
            double Of(GraphModelOptions options, long vertices, int parts = 1) => MemoryEstimate.Bytes(options, vertices, 10 * vertices, 16 * vertices, parts);
            double small = Of(model, Million), twice = Of(model, 2 * Million);
            Assert.InRange(twice / small, 1.7, 2.01);
            Assert.InRange(Of(model with { d_model = 128 }, Million) / small, 1.5, 2.2);
            Assert.InRange(Of(model, Million, parts: 10), 0.1 * small, 0.5 * small);
        }
    }

    [Fact]
    public void A_training_that_does_not_fit_is_refused_before_it_starts()
    {
        NodeDataSet data = new(
            "small", TestGraphs.Cycle(4), NodeFeatures.Of(new float[4], 4, 1), [0, 1, 0, 1], 2, [new NodeSplit([0, 1], [2], [3])], NodeMetric.Accuracy, DataVariant.Drawn, []);
        var training = new NodeTrainingOptions { normalise_features = false };
        new VertexClassification(data).Validate(new NodeRecipe(Mamba, training));
        OneSentence.Of<ArgumentException>(() => new VertexClassification(data).Validate(new NodeRecipe(Mamba with { d_model = 1 << 29, expand = 1 }, training)), "GB", "parts");
    }
}
