using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>Data sets of two pairs of IDX files, as MNIST's.</summary>
internal static class IdxSet
{
    /// <summary>Images and labels to train on, then those to test on.</summary>
    /// <param name="middle">What lies between the part of a name and the number of dimensions.</param>
    /// <param name="end">The last part.</param>
    public static IReadOnlyList<string> Names(string middle, string end) =>
        [$"train-images{middle}3-ubyte{end}", $"train-labels{middle}1-ubyte{end}", $"t10k-images{middle}3-ubyte{end}", $"t10k-labels{middle}1-ubyte{end}"];

    public static ImageDataSet Load(ImageRequest request, IReadOnlyList<string> classNames)
    {
        string[] paths = [.. request.Files.Select(request.In)];
        if (request.Options.TestFile is { } test)
        {
            (paths[2], paths[3]) = (test, LabelsOf(test));
        }

        return request.Set(Part(paths[0], paths[1], classNames.Count), Part(paths[2], paths[3], classNames.Count), classNames, paths);
    }

    /// <summary>The images of one file with the labels of another.</summary>
    public static MemoryImages Part(string imagePath, string labelPath, int classes)
    {
        (IdxArray images, IdxArray labels) = (IdxFile.Read(imagePath), IdxFile.Read(labelPath));
        string imageName = Path.GetFileName(imagePath), labelName = Path.GetFileName(labelPath);
        if (images.Shape is not [_, > 0, > 0])
        {
            throw BadFile.At(imageName, 3, $"{images.Shape.Length} dimensions of {string.Join('x', images.Shape)}", "images x height x width, none of them empty", "give the file of the images");
        }

        if (labels.Shape.Length != 1 || labels.Shape[0] != images.Shape[0])
        {
            throw BadFile.At(labelName, 4, $"{string.Join('x', labels.Shape)} labels", $"one for each of the {images.Shape[0]} images of {imageName}", "give the two files that belong together");
        }

        int odd = labels.Data.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(classes - 1));
        return odd < 0
            ? new MemoryImages(images.Data, 1, new ImageSize(images.Shape[1], images.Shape[2]), [.. labels.Data.Select(label => (int)label)])
            : throw BadFile.At(labelName, 8 + odd, $"label {labels.Data[odd]}", $"a label of 0 to {classes - 1}", "download the file again");
    }

    private static string LabelsOf(string images)
    {
        string name = Path.GetFileName(images), labels = name.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
        return name != labels
            ? Path.Combine(Path.GetDirectoryName(images) ?? "", labels)
            : throw new ArgumentException($"The labels of the test file '{images}' cannot be found, as its name has no 'images' in it; call the two files ...-images-idx3-ubyte and ...-labels-idx1-ubyte.");
    }
}
