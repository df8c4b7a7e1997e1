namespace MambaExt.Data.Images;

/// <summary>How an image data set is read.</summary>
public sealed record ImageLoadOptions
{
    /// <summary>A file (for image folders: a folder) in the data set's own format that takes the place of its test part; null for its own.</summary>
    public string? TestFile { get; init; }
}
