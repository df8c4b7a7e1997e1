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
            IReadOnlyList<string>[] found = known.Layouts[0].Folders is { } search
                ? [search(root)]
                : DataFolder.FindAll(root, [.. known.Layouts.Select(layout => layout.Files)]);
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

    /// <summary>Every data set but image folders of the user's own.</summary>
    public static IReadOnlyList<ImageDataSetPlace> All(string? root)
    {
        KnownImageSet[] sets = [.. KnownImageSets.All.Where(set => set.Info.Name != KnownImageSets.OwnFolder)];
        ImageLayout[] layouts = [.. sets.SelectMany(set => set.Layouts)];
        bool isThere = root is not null && Directory.Exists(root);
        IReadOnlyList<string>[] found = isThere ? DataFolder.FindAll(root!, [.. layouts.Select(layout => layout.Files)]) : [.. layouts.Select(_ => Array.Empty<string>())];
        var places = new List<ImageDataSetPlace>();
        int at = 0;
        foreach (KnownImageSet set in sets)
        {
            ImageLayout layout = set.Layouts[0];
            IReadOnlyList<string> folders = layout.Folders is { } search && isThere ? search(root!) : [];
            for (int i = set.Layouts.Count - 1; i >= 0; i--)
            {
                if (Own(set, set.Layouts[i], found[at + i]) is { Count: > 0 } own)
                {
                    (layout, folders) = (set.Layouts[i], own);
                }
            }

            places.Add(new ImageDataSetPlace(set.Info, folders, layout.Files, layout.IsCarried));
            at += set.Layouts.Count;
        }

        return places;
    }

    /// <summary>Says what is missing, or that there are several.</summary>
    public static string Missing(KnownImageSet known, ImageLayout layout, string? root, IReadOnlyList<string> folders)
    {
        if (layout.Folders is null)
        {
            // Files that were unpacked and are not whole say more than a missing archive.
            IReadOnlyList<ImageLayout> begun = folders.Count > 0 || root is null || !Directory.Exists(root) ? []
                : [.. known.Layouts.Where(one => DataFolder.FindAll(root, [.. one.Files.Select(file => new[] { file })]).Any(found => found.Count > 0))];
            return DataFolder.Find(root, known.Info.Name, (begun.Count > 0 ? begun[0] : layout).Files);
        }

        throw root is null ? new DirectoryNotFoundException($"The data set {known.Info.Name} is read from {layout.Wanted}, and no data folder was named; give --data DIR or set {DataFolder.Variable}.")
            : !Directory.Exists(root) ? new DirectoryNotFoundException($"The data folder '{root}' does not exist; give --data DIR or set {DataFolder.Variable} to a folder that holds {layout.Wanted}.")
            : folders.Count > 1 ? new InvalidDataException($"The data set {known.Info.Name} lies in {folders.Count} folders, {string.Join(" and ", folders.Select(f => $"'{f}'"))}; name the one to use as the data folder.")
            : new DirectoryNotFoundException($"The data set {known.Info.Name} is not below '{Path.GetFullPath(root)}' (searched {DataFolder.DeepestSearch} folders deep); put {layout.Wanted} there, or name another data folder.");
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
