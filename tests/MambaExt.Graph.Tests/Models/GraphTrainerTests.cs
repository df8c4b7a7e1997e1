using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Graph.Tests.Support;
using MambaExt.Graph.Training;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

public class GraphTrainerTests
{
    private static readonly DeepGraphOptions Gin = new() { conv = "gin", layers = 2, d_model = 8, norm = "batch", norm_place = "post", scan_every = 2, d_state = 4, token_stage = true, M = 2, m = 2, dropout = 0.1, pool = "sum" };
    private static readonly GraphMambaOptions Mamba = new() { d_model = 8, d_state = 4, M = 2, m = 2, mpnn = MessagePassing.Gcn, dropout = 0.1, pool = "mean" };
    private static readonly NodeTrainingOptions Short = new() { epochs = 6, patience = 0, learning_rate = 0.02, batch_size = 8, normalise_features = false };

    [Fact]
    public void Training_learns_and_repeats_bit_for_bit()
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        var first = new List<EpochReport>();
        var second = new List<EpochReport>();
        NodeRun run = GraphTrainer.Run(data, Gin, Short, 0, 1, new TransientHost(first.Add));
        GraphTrainer.Run(data, Gin, Short, 0, 1, new TransientHost(second.Add));
        Assert.Equal(first, second);
        Assert.Equal(6, first.Count);

        // 36 graphs train, in batches of 8.
        Assert.Equal(6 * 5, first[^1].Step);
        Assert.Equal(data.Folds[1].Test.Length, run.confusion.Sum(row => row.Sum()));
        Assert.Equal(100, run.test);
        Assert.Equal(1, run.split);
        Assert.NotEqual(first[0].TrainLoss, Reports(data, Gin, Short, seed: 1)[0].TrainLoss);
    }

    [Fact]
    public void Graph_Mamba_of_Wang_et_al_learns_and_its_folder_predicts_what_was_scored()
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        using var folder = new TemporaryFolder();
        var options = new GmbOptions { d_model = 12, layers = 1, d_state = 4, lap_pe = 3, lap_eigs = 4, rwse = 2, rwse_steps = 4, edge_states = false, dropout = 0, pool = "mean" };
        NodeRun run = GraphTrainer.Run(data, options, Short with { epochs = 20 }, 0, 1, save: (network, scored) =>
        {
            foreach (var (name, content) in GraphClassifier.Files(network, data, Short, scored))
            {
                File.WriteAllBytes(folder.File(name), content);
            }
        });
        Assert.Equal(100, run.test);
        using GraphClassifier model = GraphClassifier.Load(folder.Path);
        float[][] probabilities = model.Predict(data.Packed);
        Assert.Equal(run.test, 100.0 * data.Folds[1].Test.Count(g => (probabilities[g][1] > probabilities[g][0] ? 1 : 0) == data.Labels[g]) / data.Folds[1].Test.Length, 1e-9);
    }

    [Fact]
    public void Encodings_of_a_batch_are_those_that_it_would_compute_itself()
    {
        using DisposeScope scope = NewDisposeScope();
        GraphDataSet data = RingsAndStars.Make();
        int[] graphs = [41, 7, 18, 0];
        using GraphBatch own = new(data, graphs, seed: 3), read = new(data, graphs, seed: 3, encodings: GraphBatch.Encodings(data, 3));
        var (pairs, there) = own.Inputs.LaplacianPairs(6);
        var (readPairs, readThere) = read.Inputs.LaplacianPairs(6);
        Assert.Equal([own.Inputs.VertexCount, 6, 2], readPairs.shape);
        Assert.True(pairs.equal(readPairs).all().item<bool>() && there.equal(readThere).all().item<bool>());
        Assert.True(there.min().item<float>() == 0 && pairs.abs().max().item<float>() > 0);
        Assert.True(own.Inputs.ReturnProbabilities(5).equal(read.Inputs.ReturnProbabilities(5)).all().item<bool>());
    }

    [Fact]
    public void Labels_of_the_test_fold_change_nothing_but_its_score()
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        int[] other = [.. data.Labels];
        foreach (int g in data.Folds[0].Test)
        {
            other[g] = 1 - other[g];
        }

        NodeRun run = GraphTrainer.Run(data, Mamba, Short, 0, 0), swapped = GraphTrainer.Run(RingsAndStars.With(data, other), Mamba, Short, 0, 0);
        Assert.Equal(run.val, swapped.val);
        Assert.Equal(run.best_epoch, swapped.best_epoch);
        Assert.Equal(100, run.test + swapped.test, 1e-9);
        Assert.True(double.IsNaN(GraphTrainer.Run(data, Mamba, Short with { epochs = 1 }, 0, 0, scoreTest: false).test));
    }

    [Fact]
    public void Balanced_classes_count_alike()
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        int[] skewed = [.. data.Labels.Select((label, g) => g % 4 == 0 ? 1 : label)];
        GraphDataSet other = RingsAndStars.With(data, skewed);
        Assert.NotEqual(Reports(other, Mamba, Short)[0].TrainLoss, Reports(other, Mamba, Short with { class_weights = "balanced" })[0].TrainLoss);
    }

    [Theory]
    [InlineData("sum")]
    [InlineData("mean")]
    [InlineData("max")]
    public void A_graph_is_classified_without_regard_to_its_batch_mates(string pool)
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        foreach (GraphModelOptions options in new GraphModelOptions[] { Gin with { pool = pool }, Mamba with { pool = pool }, Mamba with { pool = pool, late_fusion = true } })
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable _ = no_grad();
            manual_seed(1);
            using GraphModel network = options.Create(2, 2);
            network.eval();
            int[] chosen = [41, 7, 18, 0];
            Tensor together = Logits(network, data, chosen);
            Assert.Equal([4, 2], together.shape);
            for (int i = 0; i < chosen.Length; i++)
            {
                Assert.True((together[i] - Logits(network, data, chosen[i])[0]).abs().max().item<float>() < 2e-5f, $"graph {chosen[i]}, {options}");
            }
        }
    }

    [Theory]
    [InlineData("sum", new[] { 6f, 12f, 9f, 12f })]
    [InlineData("mean", new[] { 2f, 4f, 4.5f, 6f })]
    [InlineData("max", new[] { 4f, 6f, 9f, 8f })]
    [InlineData("none", new[] { 0f, 2, 2, 4, 4, 6, 0, 4, 9, 8 })]
    public void Pools_are_over_the_vertices_of_each_graph(string pool, float[] expected)
    {
        using var inputs = new GraphInputs(TestGraphs.Of(5, (0, 1), (1, 2), (3, 4)), NodeFeatures.Of(new float[5], 5, 1), 0, graphOf: [0, 0, 0, 1, 1]);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new float[] { 0, 2, 2, 4, 4, 6, 0, 4, 9, 8 }, [5, 2]);
        Assert.Equal(expected, GraphPooling.Pool(inputs, x, pool).data<float>().ToArray());
    }

    [Fact]
    public void What_does_not_fit_the_task_is_refused_in_a_sentence()
    {
        GraphDataSet data = RingsAndStars.Make();
        NodeDataSet grid = MinesweeperGrid.Draw(0, 10, 10);
        OneSentence.Of<ArgumentException>(() => GraphTrainer.Run(data, Gin with { pool = "none" }, Short, 0, 0), "pool is none", "mean, sum or max");
        OneSentence.Of<ArgumentException>(() => GraphTrainer.Run(data, Gin, Short with { batch_size = 0 }, 0, 0), "batch_size 0", "1 graph");
        OneSentence.Of<ArgumentException>(() => NodeTrainer.Run(grid, Gin, Short with { batch_size = 0 }, 0, 0), "pool is sum", "vertices");
        OneSentence.Of<ArgumentException>(() => NodeTrainer.Run(grid, Gin with { pool = "none" }, Short, 0, 0), "batch_size 8", "vertices");
        Assert.Contains("pool is 'median'", Assert.Throws<ArgumentException>(() => (Gin with { pool = "median" }).Validate()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_classifier_predicts_what_was_scored()
    {
        set_num_threads(1);
        GraphDataSet data = RingsAndStars.Make();
        using var folder = new TemporaryFolder();
        NodeRun run = GraphTrainer.Run(data, Gin, Short with { epochs = 2 }, 5, 2, save: (network, scored) =>
        {
            foreach (var (name, content) in GraphClassifier.Files(network, data, Short, scored))
            {
                File.WriteAllBytes(folder.File(name), content);
            }
        });
        using GraphClassifier model = GraphClassifier.Load(folder.Path);
        float[][] probabilities = model.Predict(data.Packed);
        Assert.Equal(data.Count, probabilities.Length);
        Assert.All(probabilities, p => Assert.Equal(1, p.Sum(), 1e-5));
        int right = data.Folds[2].Test.Count(g => (probabilities[g][1] > probabilities[g][0] ? 1 : 0) == data.Labels[g]);
        Assert.Equal(run.test, 100.0 * right / data.Folds[2].Test.Length, 1e-9);
        OneSentence.Of<InvalidDataException>(() => NodeClassifier.Load(folder.Path), "graph-mamba-graph");
        OneSentence.Of<ArgumentException>(() => model.Predict(PackedGraphs.Of((TestGraphs.Cycle(3), NodeFeatures.Of([1, 2, 3], 3, 1)))), "1 features", "trained on 2");
    }

    private static List<EpochReport> Reports(GraphDataSet data, GraphModelOptions model, NodeTrainingOptions training, int seed = 0)
    {
        var reports = new List<EpochReport>();
        GraphTrainer.Run(data, model, training with { epochs = 1 }, seed, 1, new TransientHost(reports.Add));
        return reports;
    }

    private static Tensor Logits(GraphModel network, GraphDataSet data, params int[] graphs)
    {
        using var batch = new GraphBatch(data, graphs, seed: 3);
        return network.forward(batch.Inputs);
    }
}
