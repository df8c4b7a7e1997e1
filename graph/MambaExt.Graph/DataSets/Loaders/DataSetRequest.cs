using MambaExt.Data;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>What a loader is told: which data set, where its files lie, which splits.</summary>
/// <param name="Info">The data set.</param>
/// <param name="Folder">Holds <paramref name="Files"/> side by side.</param>
/// <param name="Files">Of the layout that was found.</param>
/// <param name="Root">The data folder, below which files of splits may lie anywhere; null where nothing is read.</param>
/// <param name="Split">Which splits.</param>
internal sealed record DataSetRequest(GraphDataSetInfo Info, string Folder, IReadOnlyList<string> Files, string? Root, SplitOptions Split)
{
    /// <summary>The path of one of <see cref="Files"/>.</summary>
    public string In(string file) => Path.Combine([Folder, .. file.Split('/')]);

    /// <summary>One of <see cref="Files"/>, hashed.</summary>
    public DataSetFile Hash(string file) => DataSetFile.Of(In(file), file, Info.Published);

    /// <summary>Files that lie side by side anywhere below the data folder, or null where they do not.</summary>
    public string? Elsewhere(IReadOnlyList<string> files)
    {
        if (files.All(file => File.Exists(In(file))))
        {
            return Folder;
        }

        IReadOnlyList<string> found = DataFolder.FindAll(Root!, [files])[0];
        return found.Count switch
        {
            0 => null,
            1 => found[0],
            _ => throw new InvalidDataException(
                $"The splits of {Info.Name} ({files[0]}{(files.Count > 1 ? " and others" : "")}) lie in {found.Count} folders, {string.Join(" and ", found.Select(f => $"'{f}'"))}; name a data folder that holds one of them."),
        };
    }
}
