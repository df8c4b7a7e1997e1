using System.Collections.Concurrent;
using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>JPEG and PNG files of a folder, decoded when they are read.</summary>
public sealed class FileImages : EncodedImages
{
    private const long MostBytes = 256L << 20;

    private readonly string _folder;
    private readonly IReadOnlyList<string> _paths;

    // Links are followed once a folder, not once an image.
    private readonly ConcurrentDictionary<string, bool> _isBelow = new(StringComparer.Ordinal);

    /// <summary>Files below <paramref name="folder"/>.</summary>
    /// <param name="folder">Paths start there.</param>
    /// <param name="paths">Of each image, parts separated by slashes, [N]; none may lead out of the folder.</param>
    /// <param name="labels">Class of each, [N].</param>
    /// <param name="channels">3, or 1 for gray.</param>
    /// <param name="names">What each is called; null for its path.</param>
    /// <exception cref="InvalidDataException">A path leads out of the folder.</exception>
    public FileImages(string folder, IReadOnlyList<string> paths, int[] labels, int channels = 3, IReadOnlyList<string>? names = null)
        : base(names ?? paths, labels, channels)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(paths);
        foreach (string path in paths)
        {
            if (Path.IsPathRooted(path) || path.Contains('\\', StringComparison.Ordinal) || path.Contains(':', StringComparison.Ordinal) || path.Split('/').Any(part => part is "" or "." or "..") || path.Any(char.IsControl))
            {
                throw new InvalidDataException($"The image path {BadFile.Quote(path)} was given; paths lead into the folder of the images, as class/image.jpg does, so correct the list.");
            }
        }

        (_folder, _paths) = (Path.GetFullPath(folder), paths);
    }

    /// <inheritdoc/>
    protected override byte[] File(int index)
    {
        string path = Path.Combine([_folder, .. _paths[index].Split('/')]);
        var file = new FileInfo(path);
        if (!file.Exists || !(file.LinkTarget is null ? _isBelow.GetOrAdd(file.DirectoryName!, folder => folder == _folder || DataFolder.IsBelow(folder, _folder)) : DataFolder.IsBelow(path, _folder)))
        {
            throw new FileNotFoundException($"The image {BadFile.Quote(_paths[index])} is not in '{_folder}' or is a link that leads out of it; put it there.", path);
        }

        return file.Length <= MostBytes
            ? System.IO.File.ReadAllBytes(path)
            : throw BadFile.At(Name(index), 0, $"{file.Length} bytes", $"at most {MostBytes}", "make the image smaller");
    }
}
