using System.Security.Cryptography;

namespace MambaExt.Data;

/// <summary>One file that a data set was read from.</summary>
/// <param name="Name">Official name, or the name without folder where there is none.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Sha256">Hash, lower-case hexadecimal.</param>
/// <param name="Official">Whether the hash is that of the published file; null where that hash is not known and the length is the published one.</param>
public sealed record DataSetFile(string Name, long Bytes, string Sha256, bool? Official)
{
    /// <summary>Hashes the file at <paramref name="path"/> and compares it with the published one of <paramref name="name"/>.</summary>
    public static DataSetFile Of(string path, string? name = null, IReadOnlyList<PublishedFile>? published = null)
    {
        using FileStream stream = File.OpenRead(path);
        string hash = Convert.ToHexStringLower(SHA256.HashData(stream));
        PublishedFile? known = published?.FirstOrDefault(file => file.Name == name) ?? published?.FirstOrDefault(file => file.Name == Path.GetFileName(path));
        name = known?.Name ?? name ?? Path.GetFileName(path);
        return new DataSetFile(name, stream.Length, hash, known?.Sha256 is { } official ? hash == official : known?.Bytes is { } bytes && bytes != stream.Length ? false : null);
    }
}
