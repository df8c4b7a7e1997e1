namespace MambaExt.Data;

/// <summary>The files of a data set: what its authors published, and where they lie here.</summary>
/// <param name="Name">Of the data set.</param>
/// <param name="Known">What its authors published.</param>
/// <param name="Folders">Folders that hold <paramref name="Files"/> side by side; more than one is an error to whoever wants to read it.</param>
/// <param name="Files">Names of the layout that was found, else of the first that is read.</param>
public sealed record DataFiles(string Name, IReadOnlyList<PublishedFile> Known, IReadOnlyList<string> Folders, IReadOnlyList<string> Files)
{
    /// <summary>What can be downloaded.</summary>
    public IReadOnlyList<PublishedFile> Addressed => [.. Known.Where(file => file.Address is not null)];

    /// <summary>The file as published, or null where nothing is known of it.</summary>
    public PublishedFile? Published(string file) => Known.FirstOrDefault(one => one.Name == file);

    /// <summary>Hashes every file that was found and compares it with the published one.</summary>
    public IReadOnlyList<DataSetFile> Check() => [.. Folders.SelectMany(folder => Files
        .Concat(Known.Select(file => file.Name).Except(Files))
        .Where(file => File.Exists(Path.Combine([folder, .. file.Split('/')])))
        .Select(file => DataSetFile.Of(Path.Combine([folder, .. file.Split('/')]), file, Known)))];

    /// <summary>Puts every published file that has an address into the data folder: beside those that are there, else into a folder of the data set's name.</summary>
    /// <param name="dataFolder">Made where it is absent.</param>
    /// <param name="needed">The files that must lie side by side; others may lie anywhere below the data folder.</param>
    /// <param name="download">Fetches a file.</param>
    /// <param name="mirror">An address below which the files lie under their names, instead of the official ones; null for those.</param>
    /// <param name="progress">Told the file and how many of its bytes have come.</param>
    /// <param name="token">Stops; what has come is kept, and the next call goes on from there.</param>
    /// <returns>Each file, where it lies, and whether it had to be fetched.</returns>
    /// <exception cref="InvalidDataException">What was sent, or lies there, is not the published file.</exception>
    /// <exception cref="IOException">The server cannot be reached or does not send the file.</exception>
    public async Task<IReadOnlyList<(PublishedFile File, string Path, bool IsNew)>> GetAsync(
        string dataFolder, IReadOnlyList<string> needed, FileDownload download, Uri? mirror = null, Action<PublishedFile, long>? progress = null, CancellationToken token = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(dataFolder);
        ArgumentNullException.ThrowIfNull(download);
        string root = Directory.CreateDirectory(dataFolder).FullName, folder = Folders.Count > 0 ? Folders[0] : Path.Combine(root, Name);

        // Names that all data sets of a family share say nothing about whose file it is.
        IReadOnlyList<string>[] elsewhere = DataFolder.FindAll(root, [.. Addressed.Select(file => new[] { file.Name })]);
        var got = new List<(PublishedFile, string, bool)>();
        foreach ((PublishedFile file, IReadOnlyList<string> folders) in Addressed.Zip(elsewhere))
        {
            token.ThrowIfCancellationRequested();
            bool isOwn = !needed.Contains(file.Name) && folders.Count == 1;
            string path = file.In(isOwn ? folders[0] : folder);
            PublishedFile from = mirror is null ? file : file with { Address = Below(mirror, file.Name) };
            bool isNew = await download.GetAsync(from, path, new Progress(bytes => progress?.Invoke(file, bytes)), token).ConfigureAwait(false);
            got.Add((file, path, isNew));
        }

        return got;
    }

    private static Uri Below(Uri mirror, string name) => new(mirror.AbsoluteUri.TrimEnd('/') + "/" + name);

    /// <summary>Tells at once and in order, which the run time's own does not.</summary>
    private sealed class Progress(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }
}
