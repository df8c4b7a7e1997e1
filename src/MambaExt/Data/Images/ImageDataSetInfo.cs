namespace MambaExt.Data.Images;

/// <summary>An image data set that the registry knows, at the size it is published in.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Channels">C.</param>
/// <param name="Size">Height and width of every image; null where each has its own.</param>
/// <param name="Classes">K; 0 where the folder decides.</param>
/// <param name="Train">Images to train on; 0 where the folder decides.</param>
/// <param name="Test">Images to test on; 0 where the folder decides.</param>
/// <param name="Files">Official names of the files that are needed, in the first of the layouts that are read; none where the library carries it.</param>
public sealed record ImageDataSetInfo(string Name, int Channels, ImageSize? Size, int Classes, int Train, int Test, IReadOnlyList<string> Files)
{
    /// <summary>What its authors published, with lengths and hashes where they are known; what has an address can be downloaded.</summary>
    public IReadOnlyList<PublishedFile> Published => PublishedImages.Of(Name);
}
