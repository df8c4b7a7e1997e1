using System.Diagnostics;
using MambaExt.Graph.DataSets;
using MambaExt.Runs;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>One cell of a comparison: tries settings on the validation part of the first splits, takes the best, and trains it over all seeds and splits.
/// Trials never see the test part.</summary>
/// <param name="data">With its features as they were read</param>
/// <param name="model">Its name</param>
/// <param name="trials">The settings</param>
/// <param name="trialSplits">Splits that each setting is tried on, with seed 0</param>
/// <param name="keys">The runs of the setting that is chosen</param>
public sealed class NodeComparison(ClassificationTask data, string model, IReadOnlyList<NodeTrial> trials, int trialSplits, IReadOnlyList<NodeRunKey> keys)
{
    // One setting has nothing to be chosen over.
    private readonly int _tried = trials.Count > 1 ? trials.Count * trialSplits : 0;

    /// <summary>Where models are trained; the CPU unless set.</summary>
    public Device? Device { get; init; }

    /// <summary>Told of each epoch.</summary>
    public Action<NodeEpoch>? Epoch { get; init; }

    /// <summary>Told of each finished run, trials and those of earlier sessions included.</summary>
    public Action<NodeRunKey, NodeRun>? Done { get; init; }

    /// <summary>Trials and runs together.</summary>
    public int RunCount => _tried + keys.Count;

    /// <summary>Trains everything that <paramref name="experiment"/> has not behind it.</summary>
    /// <param name="experiment">Over the cell's folder, of one process</param>
    /// <param name="folder">For the result</param>
    /// <param name="token">Asked after each step</param>
    public ComparisonCell Run(Experiment<NodeRunKey, NodeRun> experiment, string folder, CancellationToken token = default)
    {
        NodeRunKey[] all =
        [
            .. Enumerable.Range(0, _tried).Select(i => new NodeRunKey($"{model}, trial {(i / trialSplits) + 1} ({trials[i / trialSplits].Change})", 0, i % trialSplits)),
            .. keys,
        ];
        IReadOnlyList<NodeRun> finished = experiment.Run(all, Train, Line, done: Done, token: token);
        int best = Best(finished);
        NodeRecipe chosen = trials[best].Recipe;
        NodeRun[] runs = [.. finished.Skip(_tried)];
        MeanDeviation test = Metrics.MeanAndDeviation([.. runs.Select(r => r.test)]);
        return new ComparisonCell(
            data.Name, data.Variant.ToString().ToLowerInvariant(), model, data.Metric == NodeMetric.RocAuc ? "roc_auc" : "accuracy",
            test.Mean, test.Deviation, runs.Average(r => r.val), runs, data.ParameterCount(chosen.Model),
            runs.Sum(r => r.seconds) / runs.Sum(r => r.epochs), PeakMemory.Bytes(), runs.Length,
            [.. trials.Select((trial, i) => new TrialScore(trial.Change, _tried > 0 ? Score(finished, i) : runs.Average(r => r.val), i == best))],
            chosen.Model, chosen.Training, folder, [.. data.ClassNames]);

        NodeRun Train(NodeRunKey key, ITrainingHost host)
        {
            int i = experiment.Finished.Count;
            NodeRecipe recipe = trials[i < _tried ? i / trialSplits : Best(experiment.Finished)].Recipe;
            return data.Train(recipe, key, host, ranks: null, save: null, Device, scoreTest: i >= _tried, token);
        }

        object Line(NodeRunKey key, EpochReport report)
        {
            var epoch = NodeEpoch.Of(key, report);
            Epoch?.Invoke(epoch);
            return new { epoch.model, epoch.seed, epoch.split, epoch.epoch, epoch.train_loss, epoch.val_loss, epoch.val, epoch.learning_rate };
        }
    }

    private double Score(IReadOnlyList<NodeRun> finished, int trial) => finished.Skip(trial * trialSplits).Take(trialSplits).Average(r => r.val);

    private int Best(IReadOnlyList<NodeRun> finished) => _tried == 0 ? 0 : Enumerable.Range(0, trials.Count).MaxBy(trial => Score(finished, trial));
}
