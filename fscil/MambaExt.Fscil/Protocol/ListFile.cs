using MambaExt.Kernels;

namespace MambaExt.Fscil.Protocol;

/// <summary>One list of a protocol: an image a line, by its number or by its path.</summary>
internal static class ListFile
{
    private const long MostBytes = 64L << 20;

    /// <summary>The lines, without blanks around them and without empty ones at the end.</summary>
    /// <exception cref="InvalidDataException">A line comes twice or is empty.</exception>
    public static string[] Read(string path)
    {
        BadFile.ThrowIfMissing(path);
        string name = Path.GetFileName(path);
        if (new FileInfo(path).Length > MostBytes)
        {
            throw BadFile.At(name, 0, $"a list of {new FileInfo(path).Length} bytes", $"at most {MostBytes}", "give the list of a protocol, an image a line");
        }

        string[] lines = [.. File.ReadLines(path).Select(line => line.Trim())];
        lines = lines[..(Array.FindLastIndex(lines, line => line.Length > 0) + 1)];
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || !seen.TryAdd(lines[i], i))
            {
                throw Wrong(name, i, lines[i].Length == 0 ? "an empty line" : $"'{lines[i]}', which line {seen[lines[i]] + 1} names too", "each image once, one a line", "remove the line");
            }
        }

        return lines.Length > 0 ? lines : throw BadFile.At(name, 0, "an empty list", "an image a line", "restore the list");
    }

    /// <summary>The fault of a line, counted from 0.</summary>
    public static InvalidDataException Wrong(string name, int line, string given, string allowed, string advice) =>
        new($"{name}, line {line + 1}: {given}; allowed is {allowed}; {advice}.");
}
