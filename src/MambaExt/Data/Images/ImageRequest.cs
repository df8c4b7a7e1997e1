namespace MambaExt.Data.Images;

/// <summary>What the reader of a data set is told: which one, where its files lie, and how to read it.</summary>
/// <param name="Info">The data set.</param>
/// <param name="Folder">Holds <paramref name="Files"/> side by side.</param>
/// <param name="Files">Of the layout that was found.</param>
/// <param name="Options">How it is read.</param>
internal sealed record ImageRequest(ImageDataSetInfo Info, string Folder, IReadOnlyList<string> Files, ImageLoadOptions Options)
{
    /// <summary>The path of a file of the data set.</summary>
    public string In(string file) => Path.Combine(Folder, file);

    /// <summary>A file, hashed; one with another name than the published ones is compared with none.</summary>
    public DataSetFile Hash(string path) => DataSetFile.Of(path, Path.GetFileName(path), Info.Published);

    /// <summary>Puts the data set together.</summary>
    public ImageDataSet Set(ImageSamples train, ImageSamples test, IReadOnlyList<string> classNames, IEnumerable<string> paths)
    {
        // A test part of the user's own is nobody's published one, whatever it is called.
        DataSetFile[] files = [.. paths.Select(path => Options.TestFile is not null && !path.StartsWith(Folder, StringComparison.Ordinal) ? Hash(path) with { Official = false } : Hash(path))];
        return ImageParts.Together(Info.Name, train, test, classNames, files.Length == 0 ? DataVariant.Official : DataVariants.Of(files), files, Options);
    }
}

/// <summary>One of the ways in which the files of a data set may lie, and how they are read.</summary>
/// <param name="Files">Names side by side; none where the library carries the data set.</param>
/// <param name="Read">Reads it.</param>
/// <param name="Folders">Where there are no such files: finds the folders of images below a data folder; null otherwise.</param>
/// <param name="Wanted">What is looked for, in words, where it is no list of files.</param>
internal sealed record ImageLayout(IReadOnlyList<string> Files, Func<ImageRequest, ImageDataSet> Read, Func<string, IReadOnlyList<string>>? Folders = null, string Wanted = "")
{
    /// <summary>True where nothing has to be at hand.</summary>
    public bool IsCarried => Files.Count == 0 && Folders is null;
}

/// <summary>A data set and its layouts; the first that is found is read.</summary>
internal sealed record KnownImageSet(ImageDataSetInfo Info, IReadOnlyList<ImageLayout> Layouts);
