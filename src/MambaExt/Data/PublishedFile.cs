namespace MambaExt.Data;

/// <summary>A file of a data set as its authors published it.</summary>
/// <param name="Name">Official name; parts after a slash are folders beside the data set's other files.</param>
/// <param name="Bytes">Length, or null where it is not known.</param>
/// <param name="Sha256">Hash, lower-case hexadecimal, or null where it is not known.</param>
/// <param name="Address">Where it can be downloaded, or null where it cannot.</param>
public sealed record PublishedFile(string Name, long? Bytes, string? Sha256, Uri? Address)
{
    /// <summary>The path of this file in <paramref name="folder"/>.</summary>
    public string In(string folder) => Path.Combine([folder, .. Name.Split('/')]);
}
