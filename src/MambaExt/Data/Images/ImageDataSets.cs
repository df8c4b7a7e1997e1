namespace MambaExt.Data.Images;

/// <summary>Image data sets by name, whether or not their files are at hand.</summary>
public static class ImageDataSets
{
    /// <summary>What image folders of the user's own are called.</summary>
    public const string OwnFolder = KnownImageSets.OwnFolder;

    /// <summary>All that are known.</summary>
    public static IReadOnlyList<ImageDataSetInfo> All { get; } = [.. KnownImageSets.All.Select(known => known.Info)];

    /// <summary>The data set of that name; upper case and underscores are forgiven.</summary>
    /// <exception cref="ArgumentException">There is none; the message says which there are.</exception>
    public static ImageDataSetInfo Find(string name) => Lookup(name).Info;

    /// <summary>Finds the files of a data set below <paramref name="dataFolder"/> and reads them.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>. Not needed where the library carries the data set.</param>
    /// <param name="options">How it is read.</param>
    /// <exception cref="IOException">The files are not there, or lie in more than one folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format.</exception>
    public static ImageDataSet Load(string name, string? dataFolder = null, ImageLoadOptions? options = null)
    {
        KnownImageSet known = Lookup(name);
        string? root = DataFolder.Root(dataFolder);
        (ImageLayout layout, IReadOnlyList<string> folders) = ImagePlaces.Find(known, root);
        string folder = layout.IsCarried ? "" : folders.Count == 1 ? folders[0] : ImagePlaces.Missing(known, layout, root, folders);
        return layout.Read(new ImageRequest(known.Info, folder, layout.Files, options ?? new ImageLoadOptions()));
    }

    /// <summary>Where the files of each data set of <see cref="All"/> lie, but for image folders of the user's own: in none, one or more folders below <paramref name="dataFolder"/>.</summary>
    /// <param name="dataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c>; where neither names a folder that exists, nothing is found.</param>
    public static IReadOnlyList<ImageDataSetPlace> Locate(string? dataFolder = null) => ImagePlaces.All(DataFolder.Root(dataFolder));

    /// <summary>Fetches the published files of a data set, as <see cref="DataFiles.GetAsync"/> does.</summary>
    /// <exception cref="ArgumentException">There is no such data set, or it cannot be downloaded.</exception>
    public static async Task<IReadOnlyList<(PublishedFile File, string Path, bool IsNew)>> GetAsync(
        string name, string dataFolder, FileDownload download, Uri? mirror = null, Action<PublishedFile, long>? progress = null, CancellationToken token = default)
    {
        KnownImageSet known = Lookup(name);
        ImageLayout layout = known.Layouts[0];
        if (layout.IsCarried)
        {
            throw new ArgumentException($"{known.Info.Name} comes with the library and needs no files; use it as it is.");
        }

        if (layout.Folders is not null)
        {
            throw new ArgumentException($"{known.Info.Name} cannot be downloaded; put {layout.Wanted} into the data folder by hand.");
        }

        string root = Directory.CreateDirectory(dataFolder).FullName;
        ImageDataSetPlace place = ImagePlaces.All(root).Single(one => one.Info.Name == known.Info.Name);
        return await place.DataFiles.GetAsync(root, layout.Files, download, mirror, progress, token).ConfigureAwait(false);
    }

    private static KnownImageSet Lookup(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string plain = name.Trim().ToLowerInvariant().Replace('_', '-');
        foreach (KnownImageSet known in KnownImageSets.All)
        {
            if (known.Info.Name == plain || known.Info.Name == plain.Replace("-", "", StringComparison.Ordinal))
            {
                return known;
            }
        }

        string? nearest = NameSuggestion.Nearest(plain, All.Select(info => info.Name));
        throw new ArgumentException(
            $"There is no image data set '{name}'; known are {string.Join(", ", All.Select(info => info.Name))}{(nearest is null ? "" : $" (did you mean {nearest}?)")}.");
    }
}
