using MambaExt.Vision.Transforms;

namespace MambaExt.Data.Images;

/// <summary>
/// Omniglot (Lake, Salakhutdinov and Tenenbaum 2015): handwritten characters, each by twenty people. A class is a character of an alphabet,
/// <c>Greek/character03</c>; names are paths inside the archive. Of each character the first fifteen drawers are to train on and the last five to test on.
/// Ink becomes 1 and paper 0.
/// </summary>
internal static class OmniglotSet
{
    private const int TrainDrawers = 15;

    public static ImageSize Usual { get; } = new(28, 28);

    public static ImageDataSet Load(ImageRequest request)
    {
        string path = request.In(request.Files[0]);
        using FileStream stream = File.OpenRead(path);
        var images = ZipImages.Read(stream, Path.GetFileName(path), 1, ClassOf, out string[] classes);
        MemoryImages all = images.Resized(request.Options.Size ?? Usual, Interpolation.Box, invert: true);
        if (request.Options.TestFile is not null)
        {
            throw new ArgumentException("Omniglot takes no test file; its images are chosen by lists, or by who drew them.");
        }

        int[] train = [.. Enumerable.Range(0, all.Count).Where(i => Drawer(all.Name(i)) <= TrainDrawers)];
        bool whole = request.Options.Whole;
        DataSetFile file = request.Hash(path);
        return new ImageDataSet(request.Info.Name, whole ? all : all.Subset(train), whole ? all : all.Subset([.. Enumerable.Range(0, all.Count).Except(train)]), classes, DataVariants.Of([file]), [file]);
    }

    private static string? ClassOf(string path) => path.Split('/') is [_, var alphabet, var character, var file] && Drawer(file) > 0 ? $"{alphabet}/{character}" : null;

    /// <summary>The number at the end of a name, as in 0709_15.png; 0 where there is none.</summary>
    private static int Drawer(string name)
    {
        string stem = Path.GetFileNameWithoutExtension(name);
        return int.TryParse(stem[(stem.LastIndexOf('_') + 1)..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int drawer) ? drawer : 0;
    }
}
