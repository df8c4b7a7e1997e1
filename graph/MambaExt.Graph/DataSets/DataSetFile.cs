using System.Security.Cryptography;

namespace MambaExt.Graph.DataSets;

/// <summary>One file that a data set was read from.</summary>
/// <param name="Name">Name without folder.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Sha256">Hash, lower-case hexadecimal.</param>
/// <param name="Official">Whether the hash is that of the published file; null where that hash is not known.</param>
public sealed record DataSetFile(string Name, long Bytes, string Sha256, bool? Official)
{
    /// <summary>Hashes a file and compares it with the published one.</summary>
    public static DataSetFile Of(string path)
    {
        using FileStream stream = File.OpenRead(path);
        string hash = Convert.ToHexStringLower(SHA256.HashData(stream));
        string name = Path.GetFileName(path);
        return new DataSetFile(name, stream.Length, hash, OfficialHashes.ByName.TryGetValue(name, out string? official) ? hash == official : null);
    }
}
