using static System.FormattableString;

namespace MambaExt.Data.Images;

/// <summary>
/// Image folders: every subfolder is a class, called like it, and the JPEG and PNG files in it are its images. A folder with a subfolder <c>train</c> has its
/// parts in <c>train</c> and <c>test</c> (or <c>val</c>); in any other all images are to train on.
/// </summary>
public static class ImageFolder
{
    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">How; <see cref="ImageLoadOptions.TestFile"/> names a folder of classes.</param>
    /// <exception cref="IOException">The folder is absent.</exception>
    /// <exception cref="InvalidDataException">It holds no classes, a class of the test part is not in the training part, or an image does not decode.</exception>
    public static ImageDataSet Read(string folder, ImageLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new ImageLoadOptions();
        folder = Path.GetFullPath(folder);
        bool hasParts = Directory.Exists(Path.Combine(folder, "train"));
        var train = FolderScan.Of(hasParts ? Path.Combine(folder, "train") : folder);
        string? testFolder = options.TestFile ?? (hasParts ? new[] { "test", "val" }.Select(part => Path.Combine(folder, part)).FirstOrDefault(Directory.Exists) : null);
        FolderScan? test = testFolder is null ? null : FolderScan.Of(Path.GetFullPath(testFolder));
        string[] classes = [.. train.Classes];
        if (classes.Length < 2)
        {
            throw new InvalidDataException($"The image folder '{train.Folder}' has JPEG or PNG files in {classes.Length} subfolders; put the images of each class into a subfolder of its own, two or more.");
        }

        if (train.EmptyClasses.FirstOrDefault() is { } empty)
        {
            throw new InvalidDataException($"The class '{empty}' of the image folder '{train.Folder}' holds no JPEG or PNG file; put its images there, or remove it.");
        }

        ImageSamples trainImages = train.Images(classes, hasParts ? "train/" : "", options.Channels);
        ImageSamples testImages = test?.Images(classes, hasParts && options.TestFile is null ? Path.GetFileName(test.Folder) + "/" : "", options.Channels)
            ?? new FileImages(folder, [], [], options.Channels);
        int others = train.Others + (test?.Others ?? 0);
        DataSetFile[] files = [train.Listing(Path.GetFileName(train.Folder)), .. test is null ? [] : new[] { test.Listing(Path.GetFileName(test.Folder)) }];
        return ImageParts.Together(Path.GetFileName(folder), trainImages, testImages, classes, DataVariant.Own, files, options)
            .WithNotes(others == 0 ? [] : [Invariant($"{others:N0} files that are no images of a class were passed over")]);
    }
}
