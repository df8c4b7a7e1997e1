using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>Fetches the files of data sets from where their authors have put them.</summary>
public static class GraphDownload
{
    /// <summary>Puts every published file of a data set into the data folder: beside those that are there, else into a folder of its name.</summary>
    /// <param name="name">A name of <see cref="GraphDataSets.All"/>.</param>
    /// <param name="dataFolder">Made where it is absent.</param>
    /// <param name="download">Fetches a file.</param>
    /// <param name="mirror">An address below which the files lie under their names, instead of the official ones; null for those.</param>
    /// <param name="progress">Told the file and how many of its bytes have come.</param>
    /// <param name="token">Stops; what has come is kept, and the next call goes on from there.</param>
    /// <returns>Each file, where it lies, and whether it had to be fetched.</returns>
    /// <exception cref="ArgumentException">There is no such data set, or it needs no files.</exception>
    /// <exception cref="InvalidDataException">What was sent, or lies there, is not the published file.</exception>
    /// <exception cref="IOException">The server cannot be reached or does not send the file.</exception>
    public static async Task<IReadOnlyList<(PublishedFile File, string Path, bool IsNew)>> GetAsync(
        string name, string dataFolder, FileDownload download, Uri? mirror = null, Action<PublishedFile, long>? progress = null, CancellationToken token = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataFolder);
        ArgumentNullException.ThrowIfNull(download);
        GraphDataSetInfo info = GraphDataSets.Find(name);
        if (info.Published.Count == 0)
        {
            throw new ArgumentException($"{info.Name} is drawn from its definition and needs no files; train on it as it is.");
        }

        string root = Directory.CreateDirectory(dataFolder).FullName;
        DataSetPlace place = GraphDataSets.Locate(root).Single(one => one.Info.Name == info.Name);
        return await place.DataFiles.GetAsync(root, info.Files, download, mirror, progress, token).ConfigureAwait(false);
    }
}
