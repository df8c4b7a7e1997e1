using System.CommandLine;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Training;

namespace MambaExt.Cli.Commands;

/// <summary>What the graph commands share.</summary>
internal static class GraphCommands
{
    public static string Names { get; } = $"{GraphDataSets.Names(GraphTask.Vertices)} (vertices are classified), {GraphDataSets.Names(GraphTask.Graphs)} (whole graphs are)";

    public static Option<string?> Data() => CommonOptions.Folder("--data", "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA).");

    /// <summary>The runs of a model: each seed on each split.</summary>
    public static IEnumerable<NodeRunKey> Keys(ClassificationTask data, string model, int splits, int seeds) => splits <= data.SplitCount
        ? from split in Enumerable.Range(0, splits) from seed in Enumerable.Range(0, seeds) select new NodeRunKey(model, splits > 1 ? seed + split : seed, split)
        : throw new ArgumentException($"--splits is {splits}, and {data.Name} has {data.SplitCount}; give 1 to {data.SplitCount}.");
}
