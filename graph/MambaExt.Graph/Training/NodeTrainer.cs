using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Trains a <see cref="GraphModel"/> on one split with one seed. Validation chooses the epoch; the test vertices are scored once, at the end.</summary>
public static class NodeTrainer
{
    /// <summary>Runs.</summary>
    /// <param name="data">Graph, features, labels and splits</param>
    /// <param name="model">Sizes and switches</param>
    /// <param name="training">Epochs, optimizer, schedule</param>
    /// <param name="seed">Of weights, dropout, walks and ties</param>
    /// <param name="split">Of the data set</param>
    /// <param name="host">Progress and checkpoints; default none</param>
    /// <param name="ranks">Processes that each take a share of the training vertices; every one of them still runs the whole graph</param>
    /// <param name="save">Given the trained model</param>
    /// <param name="device">Where the model is trained; the CPU unless given</param>
    /// <param name="token">Asked after each step</param>
    /// <param name="scoreTest">Whether the test vertices are read at all; a run that only chooses settings leaves them alone, and its test score is not
    /// a number</param>
    /// <exception cref="InvalidOperationException">The loss is not finite.</exception>
    public static NodeRun Run(
        NodeDataSet data, GraphModelOptions model, NodeTrainingOptions training, int seed, int split,
        ITrainingHost? host = null, ICommunicator? ranks = null, Action<GraphModel, NodeRun>? save = null, Device? device = null, CancellationToken token = default, bool scoreTest = true)
    {
        Validate(model, training);
        if (training.parts > 1 && ranks is { Size: > 1 })
        {
            throw new ArgumentException($"parts is {training.parts} and {ranks.Size} processes share the training; train in one process, or the whole graph (parts 1).");
        }

        using DisposeScope scope = NewDisposeScope();
        NodeSplit parts = data.Splits[split];
        var labels = Labelling.Of(data);
        double[]? weights = training.class_weights == "balanced" ? labels.Balanced(parts.Train) : null;
        using var graph = new GraphParts(data.Graph, data.Features, training.parts, (ulong)seed, device);
        using var train = new TrainedParts(graph, labels, DataParallel.Share(parts.Train, ranks), weights, device);
        using var validation = new LabelledPart(labels, parts.Validation, device: device);
        manual_seed(seed);
        using LabelInputs? known = model.label_inputs > 0 ? new LabelInputs(labels, parts.Train, device) : null;
        if (known is not null && ranks is { Size: > 1 })
        {
            throw new ArgumentException($"label_inputs is {model.label_inputs} and {ranks.Size} ranks share the training, each of which would hide other labels; give label_inputs 0, or let each rank train on its own.");
        }

        using GraphModel network = Network(data, model);
        if (device is not null)
        {
            network.to(device);
        }

        var task = new TrainingTask<TrainedPart>
        {
            Model = network,
            Batches = train.Batches((ulong)seed),
            Loss = part =>
            {
                Tensor? counted = known?.Hide(part.Inputs, 1 - model.label_inputs);
                Tensor Supervised(Tensor logits) => part.Labels.Loss(logits, counted);
                return training.consistency == 0
                    ? network.Logits(part.Inputs).Select(Supervised).Aggregate((sum, next) => sum + next)
                    : Consistency.Loss(() => network.Logits(part.Inputs), Supervised, training);
            },
            Weight = part => part.Labels.Count,
            Validate = () =>
            {
                known?.Show(graph.Inputs[0]);
                return validation.Score(graph.Logits(network));
            },
            Describe = part => $"{(training.parts == 1 ? "the whole graph" : $"part {part.Number} of {training.parts}")}, seed {seed}, split {split}",
        };
        TrainingOutcome outcome = Trainer.Run(task, training, host, ranks, token);
        using DisposeScope final = NewDisposeScope();
        using IDisposable _ = no_grad();
        known?.Show(graph.Inputs[0]);
        var run = new NodeRun(seed, split, outcome.Best!.Value.Score * 100, double.NaN, outcome.Epochs, outcome.BestEpoch, outcome.Seconds, []);
        if (scoreTest)
        {
            Tensor logits = graph.Logits(network);
            using var test = new LabelledPart(labels, parts.Test, device: device);
            run = run with { test = test.Score(logits).Score * 100, confusion = test.Confusion(logits) };
        }

        save?.Invoke(network, run);
        return run;
    }

    /// <summary>Parameters of the model that <see cref="Run"/> would train.</summary>
    public static long ParameterCount(NodeDataSet data, GraphModelOptions model)
    {
        using DisposeScope scope = NewDisposeScope();
        using GraphModel network = Network(data, model);
        return network.ParameterCount;
    }

    internal static void Validate(GraphModelOptions model, NodeTrainingOptions training)
    {
        training.Validate();
        if (model.pool != "none" || training.batch_size != 0)
        {
            throw new ArgumentException(FormattableString.Invariant($"pool is {model.pool} and batch_size {training.batch_size}, but the vertices of one graph are classified; leave both out, or take a data set of whole graphs."));
        }

        if (model.label_inputs > 0 && training.parts > 1)
        {
            throw new ArgumentException(FormattableString.Invariant($"label_inputs is {model.label_inputs} and parts {training.parts}, but known labels are read by a model of the whole graph; give label_inputs 0, or parts 1."));
        }
    }

    private static GraphModel Network(NodeDataSet data, GraphModelOptions model) => model.Create(data.Features.Columns, Labelling.Of(data).Outputs);
}
