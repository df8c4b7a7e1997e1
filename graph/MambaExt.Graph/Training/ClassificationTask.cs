using MambaExt.Data;
using MambaExt.Distributed;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Models;
using MambaExt.Training;
using static TorchSharp.torch;

namespace MambaExt.Graph.Training;

/// <summary>A data set and what is classified in it, vertices or whole graphs: what experiments and comparisons need to know of either.</summary>
public abstract class ClassificationTask
{
    /// <summary>What is classified.</summary>
    public abstract GraphTask Kind { get; }

    /// <summary>Name of the data set.</summary>
    public abstract string Name { get; }

    /// <summary>How far it is the published one.</summary>
    public abstract DataVariant Variant { get; }

    /// <summary>What it was read from.</summary>
    public abstract IReadOnlyList<DataSetFile> Files { get; }

    /// <summary>The score.</summary>
    public abstract NodeMetric Metric { get; }

    /// <summary>A name a class.</summary>
    public abstract IReadOnlyList<string> ClassNames { get; }

    /// <summary>Splits, or folds.</summary>
    public abstract int SplitCount { get; }

    /// <summary>Where they come from, in a word.</summary>
    public abstract string SplitKind { get; }

    /// <summary>What was done to the features.</summary>
    public abstract IReadOnlyList<string> Transforms { get; }

    /// <summary>What was found in the files.</summary>
    public abstract IReadOnlyList<string> Notes { get; }

    /// <summary>Lines for a log, the first of which is the summary.</summary>
    public abstract IReadOnlyList<string> Report { get; }

    /// <summary>True where every file has the published hash.</summary>
    public bool IsOfficial => Variant == DataVariant.Official;

    /// <summary>Reads a data set of the registry, whatever is classified in it.</summary>
    /// <param name="name">A name of <see cref="GraphDataSets.All"/></param>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c></param>
    /// <param name="split">Which splits; null for its own</param>
    public static ClassificationTask Load(string name, string? dataFolder = null, SplitOptions? split = null) => GraphDataSets.Find(name).Task == GraphTask.Graphs
        ? new GraphClassification(GraphDataSets.LoadGraphs(name, dataFolder, split))
        : new VertexClassification(GraphDataSets.Load(name, dataFolder, split));

    /// <summary>The task with its features as a recipe wants them.</summary>
    public abstract ClassificationTask Prepare(NodeRecipe recipe);

    /// <summary>Throws a sentence where a recipe does not fit the task, or its training the memory of the machine.</summary>
    /// <param name="recipe">Model and training</param>
    /// <param name="device">Where the model is trained; the memory of a GPU is not known beforehand</param>
    /// <exception cref="ArgumentException">It does not.</exception>
    public abstract void Validate(NodeRecipe recipe, Device? device = null);

    /// <summary>Bytes that a training step needs, estimated (<see cref="MemoryEstimate"/>).</summary>
    public abstract double Memory(NodeRecipe recipe);

    /// <summary>Parameters of a model.</summary>
    public abstract long ParameterCount(GraphModelOptions model);

    /// <summary>Trains one model with one seed on one split.</summary>
    /// <param name="recipe">Model and training</param>
    /// <param name="key">Seed and split</param>
    /// <param name="host">Progress and checkpoints</param>
    /// <param name="ranks">Processes that share the training</param>
    /// <param name="save">Given the files of the model's folder</param>
    /// <param name="device">Where the model is trained; the CPU unless given</param>
    /// <param name="scoreTest">Whether the test part is read</param>
    /// <param name="token">Asked after each step</param>
    public abstract NodeRun Train(
        NodeRecipe recipe, NodeRunKey key, ITrainingHost host, ICommunicator? ranks, Action<IReadOnlyList<(string Name, byte[] Content)>>? save, Device? device, bool scoreTest, CancellationToken token);
}
