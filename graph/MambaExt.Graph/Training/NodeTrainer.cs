using System.Diagnostics;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>One epoch, for progress and for <c>metrics.jsonl</c>.</summary>
/// <param name="seed">Of the run</param>
/// <param name="split">Of the run</param>
/// <param name="epoch">From 1</param>
/// <param name="train_loss">Of the step</param>
/// <param name="val_loss">After it</param>
/// <param name="val">Validation score, percent</param>
/// <param name="best_val">Best so far, percent</param>
public sealed record NodeEpoch(int seed, int split, int epoch, double train_loss, double val_loss, double val, double best_val);

/// <summary>What came of one run.</summary>
/// <param name="seed">Of weights, dropout, walks and ties</param>
/// <param name="split">Of the data set</param>
/// <param name="val">Best validation score, percent</param>
/// <param name="test">Test score at that epoch, percent</param>
/// <param name="epochs">Epochs trained</param>
/// <param name="best_epoch">The epoch chosen</param>
/// <param name="seconds">Wall time, preparation included</param>
public sealed record NodeRun(int seed, int split, double val, double test, int epochs, int best_epoch, double seconds);

/// <summary>Trains a <see cref="GraphMamba"/> on one split with one seed. Validation chooses the epoch; the test vertices are scored once, at the end.</summary>
public static class NodeTrainer
{
    /// <summary>Runs.</summary>
    /// <exception cref="InvalidOperationException">The loss is not finite.</exception>
    public static NodeRun Run(
        NodeDataSet data, GraphMambaOptions model, NodeTrainingOptions training, int seed, int split, Action<NodeEpoch>? report = null, CancellationToken token = default)
    {
        training.Validate();
        long start = Stopwatch.GetTimestamp();
        using DisposeScope scope = NewDisposeScope();
        manual_seed(seed);
        using var inputs = new GraphInputs(data.Graph, data.Features, model, (ulong)seed);
        bool binary = data.Metric == NodeMetric.RocAuc;
        using var network = new GraphMamba(data.Features.Columns, binary ? 1 : data.ClassCount, model);
        using var optimizer = Optimizers.AdamW(network, training.learning_rate, training.weight_decay);
        using var best = new BestEpoch(network);
        NodeSplit part = data.Splits[split];
        Part train = new(data, part.Train, binary), validation = new(data, part.Validation, binary);
        int epoch = 0;
        while (epoch < training.epochs && (training.patience == 0 || epoch - best.Epoch <= training.patience))
        {
            token.ThrowIfCancellationRequested();
            epoch++;
            using DisposeScope step = NewDisposeScope();
            double loss = Step(network, optimizer, inputs, train, training.clip);
            if (!double.IsFinite(loss))
            {
                string? culprit = network.named_parameters().Where(p => !p.parameter.isfinite().all().item<bool>()).Select(p => p.name).FirstOrDefault();
                throw new InvalidOperationException(
                    $"The loss of epoch {epoch} (seed {seed}, split {split}) is {loss}{(culprit is null ? "" : $" and {culprit} is no longer finite")}; lower the learning rate, now {training.learning_rate}.");
            }

            if (epoch % training.validate_every == 0 || epoch == training.epochs)
            {
                var (score, validationLoss) = validation.Score(Logits(network, inputs));
                best.Offer(epoch, score, validationLoss);
                report?.Invoke(new NodeEpoch(seed, split, epoch, loss, validationLoss, score * 100, best.Score * 100));
            }
        }

        best.Restore();
        using DisposeScope final = NewDisposeScope();
        double test = new Part(data, part.Test, binary).Score(Logits(network, inputs)).Score;
        return new NodeRun(seed, split, best.Score * 100, test * 100, epoch, best.Epoch, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Parameters of the model that <see cref="Run"/> would train.</summary>
    public static long ParameterCount(NodeDataSet data, GraphMambaOptions model)
    {
        using DisposeScope scope = NewDisposeScope();
        using var network = new GraphMamba(data.Features.Columns, data.Metric == NodeMetric.RocAuc ? 1 : data.ClassCount, model);
        return network.ParameterCount;
    }

    private static double Step(GraphMamba network, optim.Optimizer optimizer, GraphInputs inputs, Part train, double clip)
    {
        network.train();
        optimizer.zero_grad();
        Tensor loss = network.Logits(inputs).Select(train.Loss).Aggregate((sum, next) => sum + next);
        loss.backward();
        if (clip > 0)
        {
            nn.utils.clip_grad_norm_(network.parameters(), clip);
        }

        optimizer.step();
        return loss.item<float>();
    }

    private static Tensor Logits(GraphMamba network, GraphInputs inputs)
    {
        network.eval();
        using IDisposable _ = no_grad();
        return network.forward(inputs);
    }

    /// <summary>The vertices of one part of a split, with their labels.</summary>
    private sealed class Part
    {
        private readonly int[] _labels;
        private readonly bool _binary;
        private readonly Tensor _vertices;
        private readonly Tensor _targets;

        public Part(NodeDataSet data, int[] vertices, bool binary)
        {
            _binary = binary;
            _labels = [.. vertices.Select(v => data.Labels[v])];
            _vertices = tensor([.. vertices.Select(v => (long)v)]);
            _targets = binary ? tensor([.. _labels.Select(l => (float)l)]) : tensor([.. _labels.Select(l => (long)l)]);
        }

        public Tensor Loss(Tensor logits)
        {
            Tensor own = logits.index_select(0, _vertices);
            return _binary ? nn.functional.binary_cross_entropy_with_logits(own.squeeze(1), _targets) : nn.functional.cross_entropy(own, _targets);
        }

        public (double Score, double Loss) Score(Tensor logits)
        {
            double loss = Loss(logits).item<float>();
            Tensor own = logits.index_select(0, _vertices);
            double score = _binary
                ? Metrics.RocAuc(own.squeeze(1).contiguous().data<float>().ToArray(), _labels)
                : Metrics.Accuracy([.. own.argmax(1).data<long>().Select(k => (int)k)], _labels);
            return (score, loss);
        }
    }
}
