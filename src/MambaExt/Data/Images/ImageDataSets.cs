namespace MambaExt.Data.Images;

/// <summary>Image data sets by name, whether or not their files are at hand.</summary>
public static class ImageDataSets
{
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
        string folder = layout.Files.Count == 0 ? ""
            : folders.Count == 1 ? folders[0]
            : DataFolder.Find(root, known.Info.Name, layout.Files); // says what is missing, or that there are several
        return layout.Read(new ImageRequest(known.Info, folder, layout.Files, options ?? new ImageLoadOptions()));
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
