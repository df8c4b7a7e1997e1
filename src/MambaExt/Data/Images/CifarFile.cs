using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>
/// Reads the binary layout of CIFAR-10 and CIFAR-100: records without a header of 1 label byte (CIFAR-100: coarse, then fine label) and 3,072
/// pixel bytes, 1,024 red, 1,024 green, 1,024 blue, each row by row. How many records there are follows from the length.
/// </summary>
public static class CifarFile
{
    /// <summary>Pixel bytes a record.</summary>
    public const int Values = 3 * 32 * 32;

    /// <summary>Height and width of every image.</summary>
    public static ImageSize Size { get; } = new(32, 32);

    /// <summary>Puts the records of some files end to end.</summary>
    /// <param name="paths">At least one.</param>
    /// <param name="classes">10, or 100 for records with a coarse label before the fine one, which is taken.</param>
    /// <exception cref="InvalidDataException">A file breaks the format.</exception>
    /// <exception cref="FileNotFoundException">A file is absent.</exception>
    public static MemoryImages Read(IReadOnlyList<string> paths, int classes)
    {
        ArgumentNullException.ThrowIfNull(paths);
        return Join([.. paths.Select(path => (Path.GetFileName(path), DataFile.ReadAllBytes(path)))], classes);
    }

    /// <summary>As <see cref="Read"/>, from files that are in memory.</summary>
    internal static MemoryImages Join(IReadOnlyList<(string Name, byte[] Bytes)> files, int classes)
    {
        int head = classes == 10 ? 1 : 2, record = head + Values;
        foreach ((string name, byte[] bytes) in files)
        {
            if (bytes.Length == 0 || bytes.Length % record != 0)
            {
                throw BadFile.At(name, bytes.Length - (bytes.Length % record), bytes.Length == 0 ? "an empty file" : $"{bytes.Length % record} bytes after {bytes.Length / record} records",
                    $"whole records of {record} bytes", "download the file again, or check that this is the binary version of CIFAR-" + classes);
            }
        }

        long count = files.Sum(file => (long)(file.Bytes.Length / record));
        if (count * Values > Array.MaxLength)
        {
            throw BadFile.At(files[0].Name, 0, $"{count} records in {files.Count} files", $"at most {Array.MaxLength / Values} in memory", "leave files out");
        }

        byte[] pixels = new byte[count * Values];
        var labels = new int[count];
        int at = 0;
        foreach ((string name, byte[] bytes) in files)
        {
            for (int from = 0; from < bytes.Length; from += record, at++)
            {
                labels[at] = bytes[from + head - 1] < classes
                    ? bytes[from + head - 1]
                    : throw BadFile.At(name, from + head - 1, $"label {bytes[from + head - 1]}", $"a label of 0 to {classes - 1}", "download the file again, or check that this is the binary version of CIFAR-" + classes);
                bytes.AsSpan(from + head, Values).CopyTo(pixels.AsSpan(at * Values));
            }
        }

        return new MemoryImages(pixels, 3, Size, labels);
    }
}
