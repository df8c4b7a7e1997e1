using MambaExt.Data;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Graphs;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Training;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

/// <summary>A graph that is trained a part at a time.</summary>
public class GraphPartsTests
{
    private const int Vertices = 240, Features = 6, Classes = 3;

    private static readonly NodeDataSet Data = Make();

    private static readonly GraphMambaOptions Model = new()
    {
        d_model = 12, d_state = 4, M = 3, m = 2, node_layers = 1, mpnn = MessagePassing.Gcn, dropout = 0.1, rwse = 3, rwse_steps = 6,
    };

    private static readonly NodeTrainingOptions Options = new() { epochs = 15, patience = 0, learning_rate = 0.02, normalise_features = false };

    /// <summary>Three communities, which the features tell faintly.</summary>
    private static NodeDataSet Make()
    {
        var random = new Random(1);
        var edges = Enumerable.Range(0, 4 * Vertices).Select(_ =>
        {
            int a = random.Next(Vertices);
            return (a, random.NextDouble() < 0.9 ? a / 80 * 80 + random.Next(80) : random.Next(Vertices));
        }).ToArray();
        int[] labels = [.. Enumerable.Range(0, Vertices).Select(v => v / 80)], order = [.. Enumerable.Range(0, Vertices)];
        random.Shuffle(order);
        float[] features = [.. Enumerable.Range(0, Vertices * Features).Select(i => (random.NextSingle() * 2) - 1 + (i % Features == labels[i / Features] ? 0.8f : 0))];
        return new NodeDataSet(
            "three", TestGraphs.Of(Vertices, edges), NodeFeatures.Of(features, Vertices, Features), labels, Classes, [new NodeSplit(order[..120], order[120..180], order[180..])],
            NodeMetric.Accuracy, DataVariant.Drawn, []);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Logits_are_those_of_each_part_alone(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        set_num_threads(1);
        manual_seed(1);
        using var network = new GraphMamba(Features, Classes, Model with { rwse = 0 });
        network.eval();
        using var parts = new GraphParts(Data.Graph, Data.Features, count, seed: 4);
        float[] all = parts.Logits(network).contiguous().data<float>().ToArray();
        IReadOnlyList<int[]> cut = GraphPartition.Of(Data.Graph, count);
        var place = new int[Vertices];
        Array.Fill(place, -1);
        foreach (int[] own in cut)
        {
            using var inputs = new GraphInputs(InducedSubgraph.Of(Data.Graph, own, place), Data.Features.Select(own), 4, own);
            float[] logits = network.forward(inputs).contiguous().data<float>().ToArray();
            for (int i = 0; i < own.Length; i++)
            {
                Assert.Equal(logits[(i * Classes)..((i + 1) * Classes)], all[(own[i] * Classes)..((own[i] + 1) * Classes)]);
            }
        }

        Assert.True(all.Max() - all.Min() > 1e-2, "the model tells no vertices apart, so the test would see nothing");
    }

    [Fact]
    public void Encodings_are_those_of_the_whole_graph()
    {
        using DisposeScope scope = NewDisposeScope();
        using var parts = new GraphParts(Data.Graph, Data.Features, 4, seed: 4);
        using var whole = new GraphInputs(Data.Graph, Data.Features, 4);
        float[] all = whole.ReturnProbabilities(6).contiguous().data<float>().ToArray();
        for (int p = 0; p < 4; p++)
        {
            float[] rows = parts.Inputs[p].ReturnProbabilities(6).contiguous().data<float>().ToArray();
            Assert.Equal(parts.Vertices[p].SelectMany(v => all[(v * 6)..((v + 1) * 6)]), rows);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Training_in_parts_learns_and_repeats_bit_for_bit(int accumulate)
    {
        set_num_threads(1);
        NodeTrainingOptions options = Options with { parts = 4, accumulate = accumulate };
        NodeRun first = NodeTrainer.Run(Data, Model, options, 0, 0), again = NodeTrainer.Run(Data, Model, options, 0, 0);
        Assert.Equal((first.val, first.test, first.best_epoch), (again.val, again.test, again.best_epoch));
        Assert.InRange(first.test, 85, 100);
    }

    [Fact]
    public void A_step_over_all_parts_has_the_gradient_of_their_mean_loss()
    {
        // With one epoch of sgd and all parts in a step, the weights are those of a step down the mean over all training vertices.
        using DisposeScope scope = NewDisposeScope();
        set_num_threads(1);
        GraphMambaOptions model = Model with { dropout = 0, rwse = 0 };
        var options = Options with { epochs = 1, parts = 3, accumulate = 3, optimizer = "sgd", learning_rate = 0.5, weight_decay = 0, clip = 0, momentum = 0 };
        Tensor[] trained = [];
        NodeTrainer.Run(Data, model, options, 0, 0, save: (network, _) => trained = [.. network.parameters().Select(p => p.detach().clone().DetachFromDisposeScope())]);

        manual_seed(0);
        using var network = new GraphMamba(Features, Classes, model);
        using var parts = new GraphParts(Data.Graph, Data.Features, 3, seed: 0);
        Tensor rows = tensor(Data.Splits[0].Train.Select(v => (long)v).ToArray()), labels = tensor(Data.Splits[0].Train.Select(v => (long)Data.Labels[v]).ToArray());
        nn.functional.cross_entropy(parts.Logits(network).index_select(0, rows), labels).backward();
        foreach (var (parameter, after) in network.parameters().Zip(trained))
        {
            Tensor expected = parameter - (parameter.grad! * 0.5);
            Assert.True((expected - after).abs().max().item<float>() <= 1e-5f);
        }

        Assert.Contains(network.parameters().Zip(trained), pair => (pair.First - pair.Second).abs().max().item<float>() > 1e-3f);
    }

    [Fact]
    public void A_saved_classifier_predicts_in_parts_what_was_scored()
    {
        set_num_threads(1);
        using var folder = new TemporaryFolder();
        NodeTrainingOptions options = Options with { epochs = 10, parts = 3 };
        NodeRun run = NodeTrainer.Run(Data, Model, options, 0, 0, save: (network, of) => NodeClassifier.Save(folder.Path, network, Data, options, of));
        using NodeClassifier classifier = NodeClassifier.Load(folder.Path);
        float[][] probabilities = classifier.Predict(Data.Graph, Data.Features);
        double right = Data.Splits[0].Test.Average(v => Array.IndexOf(probabilities[v], probabilities[v].Max()) == Data.Labels[v] ? 1.0 : 0);
        Assert.Equal(run.test, 100 * right, 1e-9);
    }

    [Fact]
    public void What_does_not_go_together_is_refused_in_a_sentence()
    {
        OneSentence.Of<ArgumentException>(() => (Options with { accumulate = 2 }).Validate(), "accumulate is 2", "parts");
        OneSentence.Of<ArgumentException>(() => (Options with { parts = 0 }).Validate(), "parts is 0");
        OneSentence.Of<ArgumentException>(() => new VertexClassification(Data).Validate(new NodeRecipe(Model, Options with { parts = 241 })), "parts is 241", "240");
        OneSentence.Of<ArgumentException>(
            () => new VertexClassification(Data).Validate(new NodeRecipe(Model with { label_inputs = 0.5 }, Options with { parts = 2 })), "label_inputs is 0.5", "parts 2");
        OneSentence.Of<ArgumentException>(
            () => new GraphClassification(RingsAndStars.Make()).Validate(new NodeRecipe(Model with { pool = "mean" }, Options with { parts = 2, batch_size = 4 })), "parts is 2");
    }
}
