using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Encodings;
using MambaExt.Graph.Models;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Trains a <see cref="GraphModel"/> that classifies whole graphs on one fold with one seed, in batches of graphs packed end to end. The
/// validation fold chooses the epoch; the test fold is scored once, at the end.</summary>
public static class GraphTrainer
{
    /// <summary>Runs.</summary>
    /// <param name="data">Graphs, features, labels and folds</param>
    /// <param name="model">Sizes and switches, with a pool</param>
    /// <param name="training">Epochs, optimizer, schedule, graphs a batch</param>
    /// <param name="seed">Of weights, dropout, batches, walks and ties</param>
    /// <param name="fold">Of the data set</param>
    /// <param name="host">Progress and checkpoints; default none</param>
    /// <param name="ranks">Processes that each take a part of every batch</param>
    /// <param name="save">Given the trained model</param>
    /// <param name="device">Where the model is trained; the CPU unless given</param>
    /// <param name="token">Asked after each step</param>
    /// <param name="scoreTest">Whether the test graphs are read at all; a run that only chooses settings leaves them alone, and its test score is not
    /// a number</param>
    /// <exception cref="ArgumentException">The model pools nothing, or batches have no size.</exception>
    /// <exception cref="InvalidOperationException">The loss is not finite.</exception>
    public static NodeRun Run(
        GraphDataSet data, GraphModelOptions model, NodeTrainingOptions training, int seed, int fold,
        ITrainingHost? host = null, ICommunicator? ranks = null, Action<GraphModel, NodeRun>? save = null, Device? device = null, CancellationToken token = default, bool scoreTest = true)
    {
        Validate(model, training);
        using DisposeScope scope = NewDisposeScope();
        GraphFold parts = data.Folds[fold];
        var labels = Labelling.Of(data);
        double[]? weights = training.class_weights == "balanced" ? labels.Balanced(parts.Train) : null;
        manual_seed(seed);
        using GraphModel network = Network(data, model);
        if (device is not null)
        {
            network.to(device);
        }

        VertexEncodings encodings = GraphBatch.Encodings(data, (ulong)seed);
        using var validation = new GraphBatches(data, parts.Validation, training.batch_size, (ulong)seed, device, encodings);
        var task = new TrainingTask<GraphBatch>
        {
            Model = network,
            Batches = new ShuffledBatches<GraphBatch>(
                parts.Train.Length, training.batch_size, (ulong)seed,
                (_, samples) => new GraphBatch(data, Array.ConvertAll(samples.ToArray(), i => parts.Train[i]), (ulong)seed, weights, device, encodings), ranks: ranks),
            Loss = batch => network.Logits(batch.Inputs).Select(logits => batch.Part.Loss(logits)).Aggregate((sum, next) => sum + next),
            Weight = batch => batch.Part.Count,
            Validate = () => validation.Part.Score(validation.Logits(network)),
            Describe = batch => $"{batch.Part.Count} graphs, seed {seed}, fold {fold}",
        };
        TrainingOutcome outcome = Trainer.Run(task, training, host, ranks, token);
        using DisposeScope final = NewDisposeScope();
        using IDisposable _ = no_grad();
        var run = new NodeRun(seed, fold, outcome.Best!.Value.Score * 100, double.NaN, outcome.Epochs, outcome.BestEpoch, outcome.Seconds, []);
        if (scoreTest)
        {
            using var test = new GraphBatches(data, parts.Test, training.batch_size, (ulong)seed, device, encodings);
            Tensor logits = test.Logits(network);
            run = run with { test = test.Part.Score(logits).Score * 100, confusion = test.Part.Confusion(logits) };
        }

        save?.Invoke(network, run);
        return run;
    }

    /// <summary>Parameters of the model that <see cref="Run"/> would train.</summary>
    public static long ParameterCount(GraphDataSet data, GraphModelOptions model)
    {
        using DisposeScope scope = NewDisposeScope();
        using GraphModel network = Network(data, model);
        return network.ParameterCount;
    }

    internal static void Validate(GraphModelOptions model, NodeTrainingOptions training)
    {
        training.Validate();
        if (training.parts != 1)
        {
            throw new ArgumentException($"parts is {training.parts}, but whole graphs are classified, a batch of them at a time; leave it out.");
        }

        if (model.pool == "none" || training.batch_size < 1)
        {
            throw new ArgumentException(FormattableString.Invariant($"pool is {model.pool} and batch_size {training.batch_size}, but whole graphs are classified in batches; give a pool of mean, sum or max and 1 graph a batch or more."));
        }
    }

    private static GraphModel Network(GraphDataSet data, GraphModelOptions model) => model.Create(data.Packed.Features.Columns, Labelling.Of(data).Outputs);
}
