using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Graph.DataSets;

namespace MambaExt.Cli.Commands;

/// <summary>A data set of any kind by its name, for the commands that only care for its files.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Reason">Why there are no files to compare or fetch, or null where there are.</param>
/// <param name="GetAsync">Fetches them.</param>
internal sealed record NamedDataSet(string Name, string? Reason, NamedDataSet.Fetch GetAsync)
{
    /// <summary>Fetches the files of a data set into a folder.</summary>
    public delegate Task<IReadOnlyList<(PublishedFile File, string Path, bool IsNew)>> Fetch(
        string folder, FileDownload download, Uri? mirror, Action<PublishedFile, long> progress, CancellationToken token);

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<NamedDataSet> All { get; } =
    [
        .. GraphDataSets.All.Select(info => new NamedDataSet(
            info.Name, info.Files.Count == 0 ? $"{info.Name} is drawn from its definition and has no files to check." : null,
            (folder, download, mirror, progress, token) => GraphDownload.GetAsync(info.Name, folder, download, mirror, progress, token))),
        .. ImageDataSets.All.Where(info => info.Name != ImageDataSets.OwnFolder).Select(info => new NamedDataSet(
            info.Name, info.Files.Count == 0 ? $"{info.Name} has no published files to check." : null,
            (folder, download, mirror, progress, token) => ImageDataSets.GetAsync(info.Name, folder, download, mirror, progress, token))),
    ];

    /// <summary>The files of every data set below a folder, by its name.</summary>
    public static IReadOnlyDictionary<string, DataFiles> Locate(string root) =>
        GraphDataSets.Locate(root).Select(place => place.DataFiles).Concat(ImageDataSets.Locate(root).Select(place => place.DataFiles)).ToDictionary(files => files.Name);

    /// <summary>The data set of that name; upper case and underscores are forgiven.</summary>
    /// <exception cref="ArgumentException">There is none; the message says which there are.</exception>
    public static NamedDataSet Find(string name)
    {
        string plain = name.Trim().ToLowerInvariant().Replace('_', '-');
        string? nearest = NameSuggestion.Nearest(plain, All.Select(set => set.Name));
        return All.FirstOrDefault(set => set.Name == plain) ?? throw new ArgumentException(
            $"There is no data set '{name}'; known are {string.Join(", ", All.Select(set => set.Name))}{(nearest is null ? "" : $" (did you mean {nearest}?)")}.");
    }
}
