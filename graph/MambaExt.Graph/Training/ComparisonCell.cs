using MambaExt.Graph.Models;

namespace MambaExt.Graph.Training;

/// <summary>What a setting that was tried came to.</summary>
/// <param name="change">In words</param>
/// <param name="val">Mean validation score over the trial's splits, percent</param>
/// <param name="chosen">It was the best; among equals the first</param>
public sealed record TrialScore(string change, double val, bool chosen);

/// <summary>A model on a data set, as <c>graph compare</c> reports it: settings by validation, scores over splits or seeds, and what it took. The
/// <c>result.json</c> of the cell's folder.</summary>
/// <param name="dataset">Its name</param>
/// <param name="variant">How far it is the published one</param>
/// <param name="model">Its name</param>
/// <param name="metric">accuracy or roc_auc</param>
/// <param name="test_mean">Percent</param>
/// <param name="test_std">Sample deviation; null for one run</param>
/// <param name="val_mean">Percent</param>
/// <param name="runs">Each split or seed</param>
/// <param name="parameters">Of the model</param>
/// <param name="seconds_per_epoch">Wall time, validation included</param>
/// <param name="peak_bytes">Largest resident set while the cell was computed (where the system can start the count anew, else of the process)</param>
/// <param name="test_reads">How often test vertices were read: once a run</param>
/// <param name="trials">What was tried on validation data; one setting is none tried</param>
/// <param name="options">Of the setting chosen</param>
/// <param name="training">Of the setting chosen</param>
/// <param name="run_dir">The cell's folder</param>
/// <param name="classes">Names</param>
public sealed record ComparisonCell(
    string dataset, string variant, string model, string metric, double test_mean, double? test_std, double val_mean, IReadOnlyList<NodeRun> runs,
    long parameters, double seconds_per_epoch, long peak_bytes, int test_reads, IReadOnlyList<TrialScore> trials,
    GraphModelOptions options, NodeTrainingOptions training, string run_dir, IReadOnlyList<string> classes);
