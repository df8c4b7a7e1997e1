namespace MambaExt.Data.Images;

/// <summary>How an image data set is read.</summary>
public sealed record ImageLoadOptions
{
    /// <summary>A file (for image folders: a folder of classes) in the data set's own format that takes the place of its test part; null for its own.</summary>
    public string? TestFile { get; init; }

    /// <summary>
    /// Every image is brought to this size once and kept in memory; null for the size it has. Photographs that keep their sizes are decoded each time they
    /// are read. Omniglot is 28x28 where nothing is said.
    /// </summary>
    public ImageSize? Size { get; init; }

    /// <summary>Channels that JPEG and PNG files are decoded to: 3, or 1 for gray.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>For data sets whose images have paths: both parts are all of the images, as protocols need whose lists say which is which.</summary>
    public bool Whole { get; init; }

    /// <summary>Decode every photograph once at the start, so that a damaged one is named before a training and not in it.</summary>
    public bool Verify { get; init; } = true;
}
