using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Training;
using MambaExt.Training;
using TorchSharp;

namespace MambaExt.Graph.Tests.Models;

public class NodeTrainerTests
{
    private static readonly GraphMambaOptions Small = new() { d_model = 16, d_state = 4, M = 2, m = 1, mpnn = MessagePassing.Sage, mpnn_layers = 2, mpnn_residual = true, dropout = 0.1 };
    private static readonly NodeTrainingOptions Short = new() { epochs = 8, patience = 0, validate_every = 2, learning_rate = 0.01, normalise_features = false };

    [Fact]
    public void Training_learns_and_repeats_bit_for_bit()
    {
        torch.set_num_threads(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 30, 30);
        var first = new List<EpochReport>();
        var second = new List<EpochReport>();
        NodeRun run = NodeTrainer.Run(data, Small, Short, 0, 0, new TransientHost(first.Add));
        NodeTrainer.Run(data, Small, Short, 0, 0, new TransientHost(second.Add));
        Assert.Equal(first, second);
        Assert.Equal(4, first.Count);
        Assert.True(first[^1].TrainLoss < first[0].TrainLoss);
        Assert.Equal(data.Splits[0].Test.Length, run.confusion.Sum(row => row.Sum()));
        Assert.True(run.test > 70, $"a mine field of 900 squares gave an AUC of {run.test}");
    }

    [Fact]
    public void Another_seed_is_another_run()
    {
        torch.set_num_threads(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 20, 20);
        var first = new List<EpochReport>();
        var second = new List<EpochReport>();
        NodeTrainer.Run(data, Small, Short, 0, 0, new TransientHost(first.Add));
        NodeTrainer.Run(data, Small, Short, 1, 0, new TransientHost(second.Add));
        Assert.NotEqual(first[0].TrainLoss, second[0].TrainLoss);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_with_a_sentence()
    {
        torch.set_num_threads(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 20, 20);
        var error = Assert.Throws<InvalidOperationException>(() => NodeTrainer.Run(data, Small, Short with { learning_rate = 1e30, clip = 0 }, 0, 0));
        Assert.Matches(@"step 2, epoch 2, batch 1 \(the whole graph, seed 0, split 0\): the (value|gradient) of \S+ is not finite; lower the learning rate, now 1E\+30", error.Message);
    }

    [Fact]
    public void Cora_in_a_few_epochs_beats_features_alone()
    {
        string folder = MambaExt.Tests.Shared.SharedData.Require("data");
        torch.set_num_threads(1);
        NodeDataSet cora = GraphDataSets.Load("cora", folder);
        NodeRecipe recipe = NodeRecipe.For("cora");
        NodeRun run = NodeTrainer.Run(recipe.Training.normalise_features ? cora.WithRowNormalisedFeatures() : cora, recipe.Model with { d_model = 32 }, recipe.Training with { epochs = 30 }, 0, 0);

        // Logistic regression on the features alone reaches 60.5 on this split; the full training is measured by hand (README).
        Assert.True(run.test > 70, $"test accuracy {run.test}");
    }

    [Fact]
    public void With_label_inputs_no_label_but_those_of_training_vertices_enters()
    {
        torch.set_num_threads(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 20, 20);
        int[] other = [.. data.Labels];
        foreach (int v in data.Splits[0].Validation.Concat(data.Splits[0].Test))
        {
            other[v] = 1 - other[v];
        }

        var changed = new NodeDataSet(data.Name, data.Graph, data.Features, other, data.ClassCount, data.Splits, data.Metric, data.Variant, []);
        GraphMambaOptions reads = Small with { label_inputs = 0.5 };
        var first = new List<double>();
        var second = new List<double>();
        NodeRun run = NodeTrainer.Run(data, reads, Short, 0, 0, new TransientHost(e => first.Add(e.TrainLoss)));
        NodeRun mirrored = NodeTrainer.Run(changed, reads, Short with { patience = 0 }, 0, 0, new TransientHost(e => second.Add(e.TrainLoss)));
        Assert.Equal(first, second);

        // Another epoch may be the best of the mirrored one; at the same epoch every score is mirrored.
        Assert.True(run.best_epoch != mirrored.best_epoch || Math.Abs(run.test + mirrored.test - 100) < 1e-4, $"{run.test} and {mirrored.test}");
        var without = new List<double>();
        NodeTrainer.Run(data, Small, Short, 0, 0, new TransientHost(e => without.Add(e.TrainLoss)));
        Assert.NotEqual(first, without);
    }

    [Fact]
    public void A_label_is_shown_or_in_the_loss_and_never_both()
    {
        using TorchSharp.DisposeScope scope = torch.NewDisposeScope();
        torch.manual_seed(3);
        NodeDataSet data = MinesweeperGrid.Draw(0, 20, 20);
        int[] train = data.Splits[0].Train;
        using var inputs = new GraphInputs(data.Graph, data.Features, 0);
        using var known = new LabelInputs(Labelling.Of(data), train);
        var hiddenOften = new int[train.Length];
        for (int draw = 0; draw < 50; draw++)
        {
            float[] hidden = known.Hide(inputs, 0.25).data<float>().ToArray(), shown = inputs.KnownLabels!.data<float>().ToArray();
            for (int i = 0; i < train.Length; i++)
            {
                hiddenOften[i] += (int)hidden[i];
                Assert.Equal(1 - hidden[i], shown[(train[i] * 2) + data.Labels[train[i]]]);
            }

            Assert.Equal(train.Length - hidden.Sum(), shown.Sum());
        }

        Assert.Equal(0.25, hiddenOften.Average() / 50, 0.02);
        known.Show(inputs);
        Assert.Equal(train.Length, inputs.KnownLabels!.sum().item<float>());
    }

    [Fact]
    public void A_saved_model_that_reads_labels_knows_its_graph_and_no_other()
    {
        torch.set_num_threads(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 20, 20);
        using var folder = new MambaExt.Tests.Shared.TemporaryFolder();
        float[] logits = [];
        NodeTrainingOptions training = Short with { epochs = 2 };
        NodeTrainer.Run(data, Small with { label_inputs = 0.5 }, training, 0, 0, save: (network, run) =>
        {
            using IDisposable _ = torch.no_grad();
            using var inputs = new GraphInputs(data.Graph, data.Features, 0);
            using var known = new LabelInputs(Labelling.Of(data), data.Splits[0].Train);
            known.Show(inputs);
            logits = [.. network.forward(inputs).sigmoid().data<float>()];
            NodeClassifier.Save(folder.Path, network, data, training, run);
        });
        using NodeClassifier model = NodeClassifier.Load(folder.Path);
        Assert.Equal(logits, model.Predict(data.Graph, data.Features).Select(p => p[1]));
        NodeDataSet larger = MinesweeperGrid.Draw(0, 21, 20);
        Support.OneSentence.Of<ArgumentException>(() => model.Predict(larger.Graph, larger.Features), "400 vertices", "420", "label_inputs");
    }

    [Fact]
    public void Consistency_is_the_distance_to_the_sharpened_mean()
    {
        using TorchSharp.DisposeScope scope = torch.NewDisposeScope();
        double[][][] passes = [[[0.9, 0.1], [0.4, 0.6]], [[0.5, 0.5], [0.2, 0.8]], [[0.7, 0.3], [0.3, 0.7]]];
        double expected = 0;
        for (int v = 0; v < 2; v++)
        {
            double[] mean = [.. Enumerable.Range(0, 2).Select(k => passes.Average(p => p[v][k]))];
            double sum = mean.Sum(m => m * m * m * m);
            expected += passes.Sum(p => Enumerable.Range(0, 2).Sum(k => Math.Pow((mean[k] * mean[k] * mean[k] * mean[k] / sum) - p[v][k], 2)));
        }

        torch.Tensor[] tensors = [.. passes.Select(p => torch.tensor([.. p.SelectMany(row => row)], [2, 2]).requires_grad_())];
        torch.Tensor distance = Consistency.Distance(tensors, 0.25);
        Assert.Equal(expected / 6, distance.item<double>(), 1e-12);

        // The target is a constant, so that passes move and it does not.
        distance.backward();
        double first = Math.Pow((0.9 + 0.5 + 0.7) / 3, 4), second = Math.Pow((0.1 + 0.5 + 0.3) / 3, 4);
        Assert.Equal(2 * (0.9 - (first / (first + second))) / 6, tensors[0].grad![0, 0].item<double>(), 1e-12);
    }

    [Fact]
    public void A_vertex_that_is_dropped_has_no_features_and_the_others_more()
    {
        using TorchSharp.DisposeScope scope = torch.NewDisposeScope();
        torch.manual_seed(1);
        NodeDataSet data = MinesweeperGrid.Draw(0, 30, 30);
        using var inputs = new GraphInputs(data.Graph, data.Features, 0);
        using var encoder = new MambaExt.Graph.Layers.FeatureEncoder(7, 2, new DeepGraphOptions { d_model = 4, vertex_dropout = 0.25 });
        encoder.eval();
        torch.Tensor whole = encoder.forward(inputs);
        encoder.train();
        torch.Tensor dropped = encoder.forward(inputs), bias = encoder.named_parameters().Single(p => p.name == "bias").parameter;
        torch.Tensor gone = (dropped - bias).abs().sum([1L]) < 1e-6;
        Assert.Equal(0.25, gone.to(torch.ScalarType.Float32).mean().item<float>(), 0.05);
        Assert.True((((dropped - bias) - ((whole - bias) / 0.75)).abs().amax([1L]) * (1 - gone.to(torch.ScalarType.Float32))).max().item<float>() < 1e-5);
    }
}
