namespace MambaExt.Data;

/// <summary>
/// Finds a data set below the folder that <c>--data</c> or <c>MAMBAEXT_DATA</c> names: the one folder in which all of its files lie
/// side by side under their official names. What the folders are called, and how deep they lie, is the user's affair.
/// </summary>
public static class DataFolder
{
    /// <summary>The environment variable that names the data folder where no option does.</summary>
    public const string Variable = "MAMBAEXT_DATA";

    /// <summary>Folders this far below the root are searched; the root is depth 0.</summary>
    public const int DeepestSearch = 8;

    /// <summary><paramref name="given"/>, or what <c>MAMBAEXT_DATA</c> names, or null where neither names a folder.</summary>
    public static string? Root(string? given)
    {
        string? root = string.IsNullOrWhiteSpace(given) ? Environment.GetEnvironmentVariable(Variable) : given;
        return string.IsNullOrWhiteSpace(root) ? null : root;
    }

    /// <summary>
    /// The folder that holds all of <paramref name="files"/>. Links to folders below the root are not entered, and links to files
    /// count only where they end below the root, so nothing outside of it is ever read.
    /// </summary>
    /// <param name="root">The folder to search, itself included; null or empty for <c>MAMBAEXT_DATA</c>.</param>
    /// <param name="dataSet">Name for messages.</param>
    /// <param name="files">Names of the files, without folders.</param>
    public static string Find(string? root, string dataSet, IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        string wanted = files.Count == 1 ? files[0] : $"{Listed(files)} side by side";
        string folder = Root(root)
            ?? throw new DirectoryNotFoundException($"The data set {dataSet} is read from files ({wanted}), and no data folder was named; give --data DIR or set {Variable}.");
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The data folder '{folder}' does not exist; give --data DIR or set {Variable} to a folder that holds {wanted}.");
        }

        folder = Path.GetFullPath(folder);
        var found = new List<string>();
        (string Folder, List<string> Missing)? nearest = null;
        Search(folder, RealPath(folder), files, (candidate, missing) =>
        {
            if (missing.Count == 0)
            {
                found.Add(candidate);
            }
            else if (missing.Count < files.Count && (nearest is null || missing.Count < nearest.Value.Missing.Count))
            {
                nearest = (candidate, missing);
            }
        });

        return found.Count switch
        {
            1 => found[0],
            0 when nearest is { } part => throw new FileNotFoundException(
                $"The data set {dataSet} is not whole below '{folder}': '{part.Folder}' lacks {Listed(part.Missing)}; put {wanted} into one folder."),
            0 => throw new FileNotFoundException(
                $"The data set {dataSet} is not below '{folder}' (searched {DeepestSearch} folders deep); put {wanted} into any folder there, or name another data folder."),
            _ => throw new InvalidDataException(
                $"The data set {dataSet} lies in {found.Count} folders, {string.Join(" and ", found.Select(f => $"'{f}'"))}; name the one to use as the data folder."),
        };
    }

    /// <summary>For each of several data sets the folders below <paramref name="root"/> that hold all of its files, in one search.</summary>
    /// <param name="root">A folder that exists.</param>
    /// <param name="dataSets">The names of the files of each.</param>
    public static IReadOnlyList<string>[] FindAll(string root, IReadOnlyList<IReadOnlyList<string>> dataSets)
    {
        ArgumentNullException.ThrowIfNull(dataSets);
        string folder = Path.GetFullPath(root);
        var found = new List<string>[dataSets.Count];
        for (int i = 0; i < found.Length; i++)
        {
            found[i] = [];
        }

        string realRoot = RealPath(folder);
        foreach (string candidate in Folders(folder))
        {
            for (int i = 0; i < found.Length; i++)
            {
                if (dataSets[i].Count > 0 && dataSets[i].All(file => IsInside(Path.Combine(candidate, file), realRoot)))
                {
                    found[i].Add(candidate);
                }
            }
        }

        return found;
    }

    private static string Listed(IReadOnlyList<string> files) =>
        files.Count <= 12 ? string.Join(", ", files) : $"{string.Join(", ", files.Take(8))} and {files.Count - 8} more";

    private static void Search(string root, string realRoot, IReadOnlyList<string> files, Action<string, List<string>> visit)
    {
        foreach (string folder in Folders(root))
        {
            visit(folder, [.. files.Where(file => !IsInside(Path.Combine(folder, file), realRoot))]);
        }
    }

    /// <summary>True for a path that exists and whose end, links followed, lies below <paramref name="root"/>.</summary>
    internal static bool IsBelow(string path, string root) => RealPath(path).StartsWith(WithSeparator(RealPath(root)), StringComparison.Ordinal);

    /// <summary>The root and the folders below it, those nearest first, links not entered.</summary>
    internal static IEnumerable<string> Folders(string root)
    {
        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        var waiting = new Queue<(string Folder, int Depth)>([(root, 0)]);
        while (waiting.TryDequeue(out (string Folder, int Depth) at))
        {
            yield return at.Folder;
            if (at.Depth < DeepestSearch)
            {
                foreach (string below in Directory.EnumerateDirectories(at.Folder, "*", options).Order(StringComparer.Ordinal))
                {
                    waiting.Enqueue((below, at.Depth + 1));
                }
            }
        }
    }

    /// <summary>True for a file, or for a link whose end is a file below the root.</summary>
    private static bool IsInside(string path, string realRoot)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return false;
        }

        if (file.LinkTarget is null)
        {
            // A name such as folds/one.txt leads through a folder that may itself be a link; others lie in a folder that is none.
            return file.Directory!.LinkTarget is null || WithSeparator(RealPath(file.DirectoryName!)).StartsWith(WithSeparator(realRoot), StringComparison.Ordinal);
        }

        try
        {
            string? end = file.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
            return end is not null && File.Exists(end) && RealPath(end).StartsWith(WithSeparator(realRoot), StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // A link that leads back to itself has no end.
            return false;
        }
    }

    /// <summary>The path without a link in any of its parts.</summary>
    private static string RealPath(string path)
    {
        string full = Path.GetFullPath(path), real = Path.GetPathRoot(full)!;
        foreach (string part in full[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            FileSystemInfo info = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            string? end = info.LinkTarget is null ? null : info.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
            real = end is null ? next : RealPath(end);
        }

        return real;
    }

    private static string WithSeparator(string folder) => Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar;
}
