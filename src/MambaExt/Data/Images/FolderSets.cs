using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>
/// Photographs that lie unpacked in folders of known names: miniImageNet as <c>MINI-ImageNet/train/CLASS</c> and <c>.../test/CLASS</c>, CUB-200-2011 as
/// <c>CUB_200_2011/images/CLASS</c>. Images are called by the paths that published lists name them by.
/// </summary>
internal static class FolderSets
{
    public const string MiniImageNet = "MINI-ImageNet", Cub = "CUB_200_2011";

    /// <summary>Folders called <paramref name="name"/>, however it is written, in which there is a folder <paramref name="inside"/>.</summary>
    public static IReadOnlyList<string> Find(string root, string name, string inside) =>
        [.. DataFolder.Folders(Path.GetFullPath(root)).Where(folder => Plain(Path.GetFileName(folder)) == Plain(name) && Directory.Exists(Path.Combine(folder, inside)))];

    public static ImageDataSet LoadMiniImageNet(ImageRequest request)
    {
        FolderScan train = FolderScan.Of(Path.Combine(request.Folder, "train"));
        string testFolder = request.Options.TestFile ?? Path.Combine(request.Folder, "test");
        FolderScan? test = Directory.Exists(testFolder) || request.Options.TestFile is not null ? FolderScan.Of(testFolder) : null;
        string[] classes = [.. train.Classes.Union(test?.Classes ?? [], StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        return ImageParts.Together(
            request.Info.Name, train.Images(classes, MiniImageNet + "/train/", request.Options.Channels),
            test?.Images(classes, MiniImageNet + "/test/", request.Options.Channels) ?? new FileImages(request.Folder, [], [], request.Options.Channels), classes,
            DataVariant.Unverified, [train.Listing(MiniImageNet + "/train"), .. test is null ? [] : new[] { test.Listing(MiniImageNet + "/test") }], request.Options);
    }

    public static ImageDataSet LoadCub(ImageRequest request)
    {
        if (request.Options.TestFile is not null)
        {
            throw new ArgumentException($"{request.Info.Name} takes no test file; its images are chosen by lists, or by its train_test_split.txt.");
        }

        FolderScan scan = FolderScan.Of(Path.Combine(request.Folder, "images"));
        string[] classes = [.. scan.Classes];
        HashSet<string>? tested = request.Options.Whole ? null : TestImages(request.Folder);
        FolderScan Part(bool test) => scan with { Paths = [.. scan.Paths.Where(path => (tested?.Contains(path) ?? false) == test)] };
        const string prefix = Cub + "/images/";
        return ImageParts.Together(
            request.Info.Name, Part(false).Images(classes, prefix, request.Options.Channels), Part(true).Images(classes, prefix, request.Options.Channels), classes,
            DataVariant.Unverified, [scan.Listing(Cub + "/images")], request.Options)
            .WithNotes(tested is null && !request.Options.Whole ? ["train_test_split.txt is not there: all images are to train on"] : []);
    }

    /// <summary>The images to test on as <c>images.txt</c> (number and path) and <c>train_test_split.txt</c> (number and 1 for training) say; null without them.</summary>
    private static HashSet<string>? TestImages(string folder)
    {
        string names = Path.Combine(folder, "images.txt"), split = Path.Combine(folder, "train_test_split.txt");
        if (!File.Exists(names) || !File.Exists(split))
        {
            return null;
        }

        Dictionary<string, string> isTrain = Pairs(split), path = Pairs(names);
        return [.. path.Where(pair => isTrain.TryGetValue(pair.Key, out string? train) ? train == "0" : throw BadFile.At("train_test_split.txt", 0, $"no line for image {BadFile.Quote(pair.Key)}", "a line an image of images.txt", "restore the file")).Select(pair => pair.Value)];
    }

    private static Dictionary<string, string> Pairs(string path)
    {
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            string[] parts = line.Split(' ', 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 2 ? !pairs.TryAdd(parts[0], parts[1]) : parts.Length > 0)
            {
                throw new InvalidDataException($"{Path.GetFileName(path)}, line {number}: found {BadFile.Quote(line)}; allowed is the number of an image, which comes once, a blank and a value; restore the file.");
            }
        }

        return pairs;
    }

    private static string Plain(string? name) => new([.. (name ?? "").Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant)]);
}
