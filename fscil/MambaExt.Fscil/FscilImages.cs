using MambaExt.Data.Images;

namespace MambaExt.Fscil;

/// <summary>Image files that a trained model is given.</summary>
public static class FscilImages
{
    /// <summary>Files by their paths, all with label 0.</summary>
    /// <param name="paths">JPEG or PNG</param>
    /// <param name="channels">1 or 3</param>
    /// <exception cref="FileNotFoundException">A file is absent.</exception>
    public static ImageSamples Files(IReadOnlyList<string> paths, int channels)
    {
        foreach (string path in paths)
        {
            Kernels.BadFile.ThrowIfMissing(path);
        }

        string[] full = [.. paths.Select(Path.GetFullPath)];
        string root = Path.GetPathRoot(full[0])!;
        return new FileImages(root, [.. full.Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'))], new int[full.Length], channels, paths);
    }

    /// <summary>A folder whose subfolders are classes, one or several.</summary>
    /// <param name="folder">The folder</param>
    /// <param name="channels">1 or 3</param>
    /// <param name="names">Of the classes, in the order of their labels</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It has no classes, or one without an image.</exception>
    public static ImageSamples NewClasses(string folder, int channels, out string[] names)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The folder of new classes '{folder}' does not exist; give one with a subfolder of images for each new class.");
        }

        string[] found = [.. Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        names = found;
        (string Path, int Label)[] images =
        [
            .. found.SelectMany((name, label) => Directory.EnumerateFiles(Path.Combine(folder, name)).Where(IsImage).Order(StringComparer.Ordinal).Select(file => ($"{name}/{Path.GetFileName(file)}", label))),
        ];
        int empty = Enumerable.Range(0, found.Length).FirstOrDefault(k => !images.Any(i => i.Label == k), -1);
        return found.Length > 0 && empty < 0
            ? new FileImages(folder, [.. images.Select(i => i.Path)], [.. images.Select(i => i.Label)], channels)
            : throw new InvalidDataException(found.Length == 0
                ? $"The folder of new classes '{folder}' has no subfolders; put the images of each new class into a subfolder of its name."
                : $"The class '{found[empty]}' in '{folder}' holds no JPEG or PNG file; put a few there, or remove it.");
    }

    private static bool IsImage(string path) => Path.GetExtension(path).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg";
}
