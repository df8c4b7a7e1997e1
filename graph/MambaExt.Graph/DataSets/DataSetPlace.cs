using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>Where the files of a data set lie.</summary>
/// <param name="Info">The data set.</param>
/// <param name="Folders">Folders that hold <paramref name="Files"/> side by side; more than one is an error to whoever wants to read it.</param>
/// <param name="Files">Names of the layout that was found, else of the first.</param>
public sealed record DataSetPlace(GraphDataSetInfo Info, IReadOnlyList<string> Folders, IReadOnlyList<string> Files)
{
    /// <summary>True where it can be read: its files are in one folder, or it needs none.</summary>
    public bool IsPresent => Folders.Count == 1 || Files.Count == 0;

    /// <summary>The files themselves.</summary>
    public DataFiles DataFiles => new(Info.Name, Info.Published, Folders, Files);

    /// <summary>Hashes every file that was found and compares it with the published one.</summary>
    public IReadOnlyList<DataSetFile> Check() => DataFiles.Check();

    /// <summary>The file as published, or null where nothing is known of it.</summary>
    public PublishedFile? Published(string file) => DataFiles.Published(file);
}
