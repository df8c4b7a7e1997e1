using System.Diagnostics;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Runs;
using MambaExt.Training;

namespace MambaExt.Graph.Training;

/// <summary>Result of one model over its seeds or splits; the keys of <c>graph train --json</c>.</summary>
public sealed record NodeResult(
    string dataset, string variant, string model, string metric, double test_mean, double? test_std, double val_mean,
    IReadOnlyList<NodeRun> runs, long parameters, long peak_bytes, int test_reads, string run_dir)
{
    /// <summary>The same data and seeds with a branch taken out; null where nobody asked.</summary>
    public IReadOnlyList<NodeResult>? ablations { get; init; }
}

/// <summary>Trains a model over several seeds or splits and keeps the record in a run folder.</summary>
public static class NodeExperiment
{
    /// <summary>Runs each (seed, split) in turn.</summary>
    public static NodeResult Run(
        NodeDataSet data, string name, GraphMambaOptions model, NodeTrainingOptions training, IReadOnlyList<(int Seed, int Split)> runs,
        RunFolder folder, Action<NodeEpoch>? report = null, Action<NodeRun>? done = null, CancellationToken token = default)
    {
        var finished = new List<NodeRun>();
        foreach (var (seed, split) in runs)
        {
            NodeRun run = NodeTrainer.Run(data, model, training, seed, split, Record, token);
            finished.Add(run);
            done?.Invoke(run);
        }

        MeanDeviation test = Metrics.MeanAndDeviation([.. finished.Select(r => r.test)]);
        return new NodeResult(
            data.Name, data.Variant.ToString().ToLowerInvariant(), name, data.Metric == NodeMetric.RocAuc ? "roc_auc" : "accuracy",
            test.Mean, test.Deviation, finished.Average(r => r.val), finished, NodeTrainer.ParameterCount(data, model),
            Process.GetCurrentProcess().PeakWorkingSet64, finished.Count, folder.Path);

        void Record(NodeEpoch epoch)
        {
            folder.AppendMetrics(new { model = name, epoch.seed, epoch.split, epoch.epoch, epoch.train_loss, epoch.val_loss, epoch.val });
            report?.Invoke(epoch);
        }
    }
}
