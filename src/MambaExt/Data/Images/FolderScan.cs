using System.Security.Cryptography;
using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>The JPEG and PNG files below a folder whose subfolders are classes, in the order of their paths. Links and hidden files are passed over.</summary>
/// <param name="Folder">The folder of the classes.</param>
/// <param name="Paths">From there, parts separated by slashes; the first part is the class.</param>
/// <param name="Others">Files that are neither JPEG nor PNG by their names.</param>
internal sealed record FolderScan(string Folder, string[] Paths, int Others)
{
    private const int MostImages = 20_000_000;
    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png"];

    public static FolderScan Of(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The image folder '{folder}' does not exist; give one whose subfolders are classes.");
        }

        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden | FileAttributes.System };
        var paths = new List<string>();
        int others = 0;
        foreach (string file in Directory.EnumerateFiles(folder, "*", options))
        {
            string path = Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');
            bool isImage = path.Contains('/', StringComparison.Ordinal) && Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
            others += isImage ? 0 : 1;
            if (isImage)
            {
                paths.Add(path);
            }

            if (paths.Count > MostImages)
            {
                throw new InvalidDataException($"The image folder '{folder}' holds more than {MostImages} images; give one of its subfolders.");
            }
        }

        return new FolderScan(folder, [.. paths.Order(StringComparer.Ordinal)], others);
    }

    /// <summary>The classes that have images, ascending.</summary>
    public IEnumerable<string> Classes => Paths.Select(ClassOf).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>Subfolders without an image in them: most likely a mistake.</summary>
    public IEnumerable<string> EmptyClasses => new DirectoryInfo(Folder).EnumerateDirectories()
        .Where(folder => folder.LinkTarget is null && folder.Name[0] != '.').Select(folder => folder.Name).Except(Classes, StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>The images of some classes.</summary>
    /// <param name="classNames">In the order of their labels; every class of the folder is among them.</param>
    /// <param name="prefix">What a name starts with, before the path.</param>
    /// <param name="channels">3, or 1 for gray.</param>
    public FileImages Images(IReadOnlyList<string> classNames, string prefix, int channels)
    {
        var number = classNames.Select((name, k) => (name, k)).ToDictionary(pair => pair.name, pair => pair.k, StringComparer.Ordinal);
        string? strange = Classes.FirstOrDefault(name => !number.ContainsKey(name));
        return strange is null
            ? new FileImages(Folder, Paths, [.. Paths.Select(path => number[ClassOf(path)])], channels, prefix.Length == 0 ? Paths : [.. Paths.Select(path => prefix + path)])
            : throw new InvalidDataException($"The image folder '{Folder}' has the class {BadFile.Quote(strange)}, which the training part has not; both parts need the same classes.");
    }

    /// <summary>All of it as one entry of a list of files: the hash is of the paths and lengths, so that a run says which images it saw.</summary>
    public DataSetFile Listing(string name)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long bytes = 0;
        foreach (string path in Paths)
        {
            long length = new FileInfo(Path.Combine([Folder, .. path.Split('/')])).Length;
            bytes += length;
            hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{path}\t{length}\n")));
        }

        return new DataSetFile(name, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()), null);
    }

    private static string ClassOf(string path) => path[..path.IndexOf('/', StringComparison.Ordinal)];
}
