using MambaExt.Training;

namespace MambaExt.Graph.Training;

/// <summary>Which model is trained with which seed on which split.</summary>
/// <param name="Model">Its name</param>
/// <param name="Seed">Of weights, dropout, walks and ties</param>
/// <param name="Split">Of the data set</param>
public readonly record struct NodeRunKey(string Model, int Seed, int Split);

/// <summary>One epoch, for progress and for <c>metrics.jsonl</c>.</summary>
/// <param name="model">Its name</param>
/// <param name="seed">Of the run</param>
/// <param name="split">Of the run</param>
/// <param name="epoch">From 1</param>
/// <param name="train_loss">Of the step</param>
/// <param name="val_loss">After it</param>
/// <param name="val">Validation score, percent</param>
/// <param name="best_val">Best so far, percent</param>
/// <param name="learning_rate">Of the step</param>
public sealed record NodeEpoch(string model, int seed, int split, int epoch, double train_loss, double val_loss, double val, double best_val, double learning_rate)
{
    /// <summary>The epoch of a run, in percent.</summary>
    public static NodeEpoch Of(NodeRunKey key, EpochReport e) => new(
        key.Model, key.Seed, key.Split, e.Epoch, e.TrainLoss, e.Validation?.Loss ?? double.NaN, e.Validation?.Score * 100 ?? double.NaN, e.BestScore * 100, e.LearningRate);
}

/// <summary>What came of one run.</summary>
/// <param name="seed">Of weights, dropout, walks and ties</param>
/// <param name="split">Of the data set</param>
/// <param name="val">Best validation score, percent</param>
/// <param name="test">Test score at that epoch, percent</param>
/// <param name="epochs">Epochs trained</param>
/// <param name="best_epoch">The epoch chosen</param>
/// <param name="seconds">Wall time of training and validation</param>
/// <param name="confusion">Test vertices by true class (rows) and predicted class (columns)</param>
public sealed record NodeRun(int seed, int split, double val, double test, int epochs, int best_epoch, double seconds, int[][] confusion);

/// <summary>Result of one model over its seeds or splits; the keys of <c>graph train --json</c>.</summary>
public sealed record NodeResult(
    string dataset, string variant, string model, string metric, double test_mean, double? test_std, double val_mean,
    IReadOnlyList<NodeRun> runs, long parameters, long peak_bytes, int test_reads, string run_dir, IReadOnlyList<string> classes)
{
    /// <summary>The same data and seeds with a branch taken out; null where nobody asked.</summary>
    public IReadOnlyList<NodeResult>? ablations { get; init; }
}
