using System.Diagnostics;
using MambaExt.Graph.DataSets;
using MambaExt.Runs;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>Trains models over seeds or splits and keeps the record in a run folder.</summary>
/// <param name="data">Vertices or graphs, with their features as they were read; each recipe says how they are prepared</param>
/// <param name="recipes">Sizes, and how it is trained, of each model by its name</param>
/// <param name="keys">Model by model, each with the same seeds and splits</param>
public sealed class NodeExperiment(ClassificationTask data, IReadOnlyDictionary<string, NodeRecipe> recipes, IReadOnlyList<NodeRunKey> keys)
{
    /// <summary>Where models are trained; the CPU unless set.</summary>
    public Device? Device { get; init; }

    /// <summary>Told of each epoch.</summary>
    public Action<NodeEpoch>? Epoch { get; init; }

    /// <summary>Told of each finished run, those of earlier sessions included.</summary>
    public Action<NodeRunKey, NodeRun>? Done { get; init; }

    /// <summary>Trains everything that <paramref name="experiment"/> has not behind it.</summary>
    /// <param name="experiment">Over the run's folder</param>
    /// <param name="folder">For the results</param>
    /// <param name="token">Asked after each step</param>
    /// <returns>A result a model, in the order of the keys.</returns>
    public IReadOnlyList<NodeResult> Run(Experiment<NodeRunKey, NodeRun> experiment, string folder, CancellationToken token = default)
    {
        IReadOnlyList<NodeRun> runs = experiment.Run(keys, Train, Line, Keep, Done, token);
        return [.. keys.Zip(runs).GroupBy(pair => pair.First.Model).Select(group => Result(group.Key, [.. group.Select(pair => pair.Second)], folder))];

        NodeRun Train(NodeRunKey key, ITrainingHost host)
        {
            return data.Train(recipes[key.Model], key, host, experiment.Sharing, Save, Device, scoreTest: true, token);

            void Save(IReadOnlyList<(string Name, byte[] Content)> files)
            {
                foreach (var (name, content) in files)
                {
                    host.Attach($"models/{key.Model}/{name}", content);
                }
            }
        }

        // The folder keeps the model that validation likes best.
        bool Keep(NodeRunKey key, NodeRun run) =>
            run.val > experiment.Finished.Zip(keys).Where(f => f.Second.Model == key.Model).Select(f => f.First.val).DefaultIfEmpty(double.NegativeInfinity).Max();

        object Line(NodeRunKey key, EpochReport report)
        {
            var epoch = NodeEpoch.Of(key, report);
            Epoch?.Invoke(epoch);
            return new { epoch.model, epoch.seed, epoch.split, epoch.epoch, epoch.train_loss, epoch.val_loss, epoch.val, epoch.learning_rate };
        }
    }

    private NodeResult Result(string model, NodeRun[] runs, string folder)
    {
        MeanDeviation test = Metrics.MeanAndDeviation([.. runs.Select(r => r.test)]);
        return new NodeResult(
            data.Name, data.Variant.ToString().ToLowerInvariant(), model, data.Metric == NodeMetric.RocAuc ? "roc_auc" : "accuracy",
            test.Mean, test.Deviation, runs.Average(r => r.val), runs, data.ParameterCount(recipes[model].Model),
            Process.GetCurrentProcess().PeakWorkingSet64, runs.Length, folder, [.. data.ClassNames]);
    }
}
