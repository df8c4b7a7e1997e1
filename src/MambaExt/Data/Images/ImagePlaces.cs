namespace MambaExt.Data.Images;

/// <summary>Where the files of image data sets lie. MNIST and its successors share the names of their files, so these are told apart by what is in them.</summary>
internal static class ImagePlaces
{
    /// <summary>The layout of which there are files, else the first, and the folders that hold it.</summary>
    /// <param name="known">The data set.</param>
    /// <param name="root">The data folder; null or absent for none.</param>
    public static (ImageLayout Layout, IReadOnlyList<string> Folders) Find(KnownImageSet known, string? root)
    {
        if (root is not null && Directory.Exists(root))
        {
            IReadOnlyList<string>[] found = DataFolder.FindAll(root, [.. known.Layouts.Select(layout => layout.Files)]);
            for (int i = 0; i < found.Length; i++)
            {
                if (Own(known, known.Layouts[i], found[i]) is { Count: > 0 } folders)
                {
                    return (known.Layouts[i], folders);
                }
            }

            if (found.FirstOrDefault(folders => folders.Count > 0) is { } others)
            {
                throw new FileNotFoundException(
                    $"The data set {known.Info.Name} is not below '{Path.GetFullPath(root)}': the files of its names in '{others[0]}' are those of {Publisher(Path.Combine(others[0], Telling(known.Layouts)))}; put {string.Join(", ", known.Info.Files)} into a folder of their own.");
            }
        }

        return (known.Layouts[0], []);
    }

    /// <summary>Of several folders those whose files are not another data set's; of those again the published ones, or the ones called like the data set.</summary>
    private static IReadOnlyList<string> Own(KnownImageSet known, ImageLayout layout, IReadOnlyList<string> folders)
    {
        if (folders.Count == 0 || layout.Files.Count < 4)
        {
            return folders;
        }

        (string Folder, string? Publisher)[] told = [.. folders.Select(folder => (folder, Publisher(Path.Combine(folder, layout.Files[^1]))))];
        string[] own = [.. told.Where(one => one.Publisher is null || one.Publisher == known.Info.Name).Select(one => one.Folder)];
        if (own.Length > 1)
        {
            string[] published = [.. told.Where(one => one.Publisher == known.Info.Name).Select(one => one.Folder)];
            string[] named = [.. own.Where(folder => Path.GetFileName(folder).Replace('_', '-').Equals(known.Info.Name, StringComparison.OrdinalIgnoreCase))];
            own = published.Length > 0 ? published : named.Length > 0 ? named : own;
        }

        return own;
    }

    private static string Telling(IReadOnlyList<ImageLayout> layouts) => layouts[0].Files[^1];

    /// <summary>The data set whose published file this is, by its hash, or null where it is nobody's.</summary>
    private static string? Publisher(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        string hash = DataSetFile.Of(path).Sha256;
        return KnownImageSets.All.FirstOrDefault(set => set.Info.Published.Any(file => file.Sha256 == hash))?.Info.Name;
    }
}
