namespace MambaExt.Kernels;

/// <summary>Words every message about a file that cannot be read the same way: where, what was found, what is allowed, what to do.</summary>
public static class BadFile
{
    /// <summary>An error about the bytes of <paramref name="file"/> at <paramref name="offset"/>.</summary>
    public static InvalidDataException At(string file, long offset, string found, string allowed, string remedy, Exception? cause = null) =>
        new(Printable($"{file}, offset {offset}: found {found}; allowed is {allowed}; {remedy}."), cause);

    /// <summary>Throws a helpful error where no file lies at <paramref name="path"/>.</summary>
    /// <exception cref="FileNotFoundException">The file is absent.</exception>
    public static void ThrowIfMissing(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            string what = Directory.Exists(path) ? "is a folder, not a file" : "does not exist";
            throw new FileNotFoundException($"'{path}' {what}; check the path, or put the file there.", path);
        }
    }

    /// <summary>At most 60 printable characters of <paramref name="text"/>: what a hostile file says must not flood a message.</summary>
    public static string Quote(string text)
    {
        string head = Printable(text[..Math.Min(text.Length, 60)]);
        return text.Length > 60 ? $"'{head}...'" : $"'{head}'";
    }

    /// <summary>A line break or a terminal code from a hostile file must not reach a message.</summary>
    private static string Printable(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? '?' : from[i];
        }
    });
}
