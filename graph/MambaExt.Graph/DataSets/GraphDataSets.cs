using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>Data sets by name.</summary>
public static class GraphDataSets
{
    private static readonly (GraphDataSetInfo Info, Func<string, GraphDataSetInfo, NodeDataSet> Load)[] Known =
    [
        .. new[] { "cora", "citeseer", "pubmed" }.Select(name => Entry(name, PlanetoidLoader.Files(name), NodeMetric.Accuracy, PlanetoidLoader.Load)),
        Entry("minesweeper", ["minesweeper.npz"], NodeMetric.RocAuc, HeterophilousLoader.Load),
        Entry("tolokers", ["tolokers.npz"], NodeMetric.RocAuc, HeterophilousLoader.Load),
        Entry("questions", ["questions.npz"], NodeMetric.RocAuc, HeterophilousLoader.Load),
        Entry("roman-empire", ["roman_empire.npz"], NodeMetric.Accuracy, HeterophilousLoader.Load),
        Entry("amazon-ratings", ["amazon_ratings.npz"], NodeMetric.Accuracy, HeterophilousLoader.Load),
        Entry(MinesweeperGrid.Name, [], NodeMetric.RocAuc, static (_, _) => MinesweeperGrid.Draw()),
    ];

    /// <summary>What can be loaded.</summary>
    public static IReadOnlyList<GraphDataSetInfo> All { get; } = [.. Known.Select(entry => entry.Info)];

    /// <summary>The data set of that name; upper case and underscores are forgiven.</summary>
    public static GraphDataSetInfo Find(string name) => Lookup(name).Info;

    /// <summary>Finds the files of a data set below <paramref name="dataFolder"/> and reads them.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>. Not needed where there are no files.</param>
    public static NodeDataSet Load(string name, string? dataFolder = null)
    {
        (GraphDataSetInfo info, Func<string, GraphDataSetInfo, NodeDataSet> load) = Lookup(name);
        return load(info.Files.Count == 0 ? "" : DataFolder.Find(dataFolder, info.Name, info.Files), info);
    }

    private static (GraphDataSetInfo Info, Func<string, GraphDataSetInfo, NodeDataSet> Load) Lookup(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string plain = name.Trim().ToLowerInvariant().Replace('_', '-');
        foreach (var entry in Known)
        {
            if (entry.Info.Name == plain)
            {
                return entry;
            }
        }

        string? nearest = NameSuggestion.Nearest(plain, All.Select(info => info.Name));
        throw new ArgumentException(
            $"There is no graph data set '{name}'; known are {string.Join(", ", All.Select(info => info.Name))}{(nearest is null ? "" : $" (did you mean {nearest}?)")}.");
    }

    private static (GraphDataSetInfo, Func<string, GraphDataSetInfo, NodeDataSet>) Entry(
        string name, IReadOnlyList<string> files, NodeMetric metric, Func<string, GraphDataSetInfo, NodeDataSet> load) =>
        (new GraphDataSetInfo(name, files, metric), load);
}
