using MambaExt.Data;
using MambaExt.Graph.DataSets.Loaders;

namespace MambaExt.Graph.DataSets;

/// <summary>Data sets by name, whether or not their files are at hand.</summary>
public static class GraphDataSets
{
    /// <summary>All that are known.</summary>
    public static IReadOnlyList<GraphDataSetInfo> All { get; } = [.. KnownDataSets.All.Select(known => known.Info)];

    /// <summary>The data set of that name; upper case and underscores are forgiven.</summary>
    /// <exception cref="ArgumentException">There is none; the message says which there are.</exception>
    public static GraphDataSetInfo Find(string name) => Lookup(name).Info;

    /// <summary>Finds the files of a data set below <paramref name="dataFolder"/> and reads them.</summary>
    /// <param name="name">A name of <see cref="All"/> whose vertices are classified.</param>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>. Not needed where there are no files.</param>
    /// <param name="split">Which splits; null for its own.</param>
    public static NodeDataSet Load(string name, string? dataFolder = null, SplitOptions? split = null)
    {
        KnownDataSet known = Lookup(name);
        return known.Info.Task == GraphTask.Vertices
            ? Load(known, dataFolder, split, layout => layout.Vertices!)
            : throw new ArgumentException($"In {known.Info.Name} whole graphs are classified, not vertices; take one of {Names(GraphTask.Vertices)}.");
    }

    /// <summary>Finds the files of a data set of many graphs below <paramref name="dataFolder"/> and reads them.</summary>
    /// <param name="name">A name of <see cref="All"/> whose graphs are classified.</param>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>.</param>
    /// <param name="split">Its own folds, or random ones; null for its own.</param>
    public static GraphDataSet LoadGraphs(string name, string? dataFolder = null, SplitOptions? split = null)
    {
        KnownDataSet known = Lookup(name);
        return known.Info.Task != GraphTask.Graphs
            ? throw new ArgumentException($"In {known.Info.Name} vertices are classified, not whole graphs; take one of {Names(GraphTask.Graphs)}.")
            : split?.Kind == SplitKind.GeomGcn
            ? throw new ArgumentException($"The data set {known.Info.Name} has no geom-gcn splits; take its own folds or random ones.")
            : Load(known, dataFolder, split, layout => layout.Graphs!);
    }

    /// <summary>Where the files of each data set of <see cref="All"/> lie: in none, one or more folders below <paramref name="dataFolder"/>.</summary>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>; where neither names a folder that exists, nothing is found.</param>
    public static IReadOnlyList<DataSetPlace> Locate(string? dataFolder = null)
    {
        string? root = DataFolder.Root(dataFolder);
        DataLayout[] layouts = [.. KnownDataSets.All.SelectMany(known => known.Layouts)];
        IReadOnlyList<string>[] found = root is not null && Directory.Exists(root) ? DataFolder.FindAll(root, [.. layouts.Select(layout => layout.Files)]) : [.. layouts.Select(_ => Array.Empty<string>())];
        var places = new List<DataSetPlace>();
        int at = 0;
        foreach (KnownDataSet known in KnownDataSets.All)
        {
            int count = known.Layouts.Count, best = Enumerable.Range(at, count).FirstOrDefault(i => found[i].Count > 0, at);
            places.Add(new DataSetPlace(known.Info, found[best], layouts[best].Files));
            at += count;
        }

        return places;
    }

    /// <summary>The names of a task, for a message.</summary>
    public static string Names(GraphTask task) => string.Join(", ", All.Where(info => info.Task == task).Select(info => info.Name));

    private static T Load<T>(KnownDataSet known, string? dataFolder, SplitOptions? split, Func<DataLayout, Func<DataSetRequest, T>> loader)
    {
        DataLayout layout = known.Layouts[0];
        string? root = DataFolder.Root(dataFolder);
        if (layout.Files.Count == 0)
        {
            return loader(layout)(new DataSetRequest(known.Info, "", [], null, split ?? new SplitOptions()));
        }

        if (root is not null && Directory.Exists(root))
        {
            IReadOnlyList<string>[] found = DataFolder.FindAll(root, [.. known.Layouts.Select(one => one.Files)]);
            layout = known.Layouts[Math.Max(0, Array.FindIndex(found, folders => folders.Count > 0))];
        }

        // Where there is none, or more than one, this says so.
        string folder = DataFolder.Find(root, known.Info.Name, layout.Files);
        return loader(layout)(new DataSetRequest(known.Info, folder, layout.Files, root, split ?? new SplitOptions()));
    }

    private static KnownDataSet Lookup(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string plain = name.Trim().ToLowerInvariant().Replace('_', '-');
        foreach (KnownDataSet known in KnownDataSets.All)
        {
            if (known.Info.Name == plain)
            {
                return known;
            }
        }

        string? nearest = NameSuggestion.Nearest(plain, All.Select(info => info.Name));
        throw new ArgumentException(
            $"There is no graph data set '{name}'; known are {string.Join(", ", All.Select(info => info.Name))}{(nearest is null ? "" : $" (did you mean {nearest}?)")}.");
    }
}
