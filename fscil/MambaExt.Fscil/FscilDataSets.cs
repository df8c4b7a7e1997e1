using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Fscil;

/// <summary>Where images and protocol of a run come from.</summary>
/// <param name="Name">A name of <see cref="FscilDataSets.Names"/></param>
/// <param name="DataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c></param>
/// <param name="Lists">A folder of lists; null for the <c>index_list</c> beside the data, or a protocol that is drawn</param>
/// <param name="Drawn">Sizes of a protocol that is drawn from the seed; null for the lists, or for what the data set has by habit</param>
/// <param name="PhotoSize">Side to which photographs are brought once, in memory; 0 to decode them anew each time in the size they have</param>
public sealed record FscilDataOptions(string Name, string? DataFolder = null, string? Lists = null, ProtocolOptions? Drawn = null, int PhotoSize = 32);

/// <summary>Data sets of few-shot class-incremental learning by name.</summary>
public static class FscilDataSets
{
    /// <summary>The folder of lists beside a data set's files.</summary>
    public const string ListsFolder = "index_list";

    // A fifth of the images of a class are to test on where nobody says which.
    private const int TestShare = 5;

    // Base classes, ways and shots of protocols that are drawn where nothing else is said, and whether lists hold paths.
    private static readonly Dictionary<string, (ProtocolOptions? Sizes, bool Paths)> Known = new()
    {
        ["digits"] = (new(4, 2, 5), false), ["mnist"] = (new(4, 2, 5), false), ["fashion-mnist"] = (new(4, 2, 5), false), ["kmnist"] = (new(4, 2, 5), false), ["cifar10"] = (new(4, 2, 5), false),
        ["cifar100"] = (new(60, 5, 5), false), ["omniglot"] = (new(604, 45, 5), true), ["mini-imagenet"] = (new(60, 5, 5), true), ["cub200"] = (new(100, 10, 5), true), ["folder"] = (null, true),
    };

    /// <summary>All of them; "folder" is a folder of the user's own, whose subfolders are classes.</summary>
    public static IReadOnlyList<string> Names => [.. Known.Keys];

    /// <summary>Whether lists of a data set hold paths of images; else their numbers.</summary>
    public static bool ListsHoldPaths(string name) => !Known.TryGetValue(name, out var known) || known.Paths;

    /// <summary>Images once, and the protocol of each seed.</summary>
    /// <exception cref="ArgumentException">There is no such data set, or it does not fit the protocol asked for.</exception>
    /// <exception cref="IOException">Files are not there.</exception>
    /// <exception cref="InvalidDataException">Files or lists break their format.</exception>
    public static Func<int, FscilData> Load(FscilDataOptions options)
    {
        string name = ImageDataSets.Find(options.Name).Name;
        bool photographs = name is "mini-imagenet" or "cub200" or "folder";
        var size = new ImageSize(options.PhotoSize, options.PhotoSize);
        ImageDataSet images = ImageDataSets.Load(name, options.DataFolder, new ImageLoadOptions
        {
            // Lists of Omniglot and CUB say themselves which images are to train on.
            Whole = name is "omniglot" or "cub200", Size = name == "omniglot" ? new ImageSize(32, 32) : photographs && options.PhotoSize > 0 ? size : null,
        });
        string? lists = options.Lists ?? (options.Drawn is null ? Beside(name, images, options.DataFolder) : null);
        if (lists is not null)
        {
            return Listed(name, images, lists);
        }

        return Drawn(name, images, options.Drawn ?? Known[name].Sizes
            ?? throw new ArgumentException("An image folder of your own has no protocol by itself; give --lists, or --base-classes, --ways and --shots."));
    }

    private static Func<int, FscilData> Listed(string name, ImageDataSet images, string folder)
    {
        bool paths = Known[name].Paths;
        ImageSamples test = images.Test.Count > 0 ? images.Test : images.Train;
        FscilProtocol protocol = ProtocolLists.Read(folder, new ListedImages(images.Train, images.ClassNames, paths), new ListedImages(test, images.ClassNames, paths), images.ClassCount);
        IReadOnlyList<DataSetFile> files = ProtocolLists.Hash(folder, name);
        (DataVariant variant, string[] notes) = Compared(name, folder, images.Files, files);
        var data = new FscilData(name == "folder" ? images.Name : name, variant, images.Train, test, images.ClassNames, protocol, [.. images.Files, .. files], notes) { Inverted = name == "omniglot" };
        return _ => data;
    }

    /// <summary>How far images and lists together are the published ones, and what a reader of results should know of the lists.</summary>
    internal static (DataVariant Variant, string[] Notes) Compared(string name, string folder, IReadOnlyList<DataSetFile> images, IReadOnlyList<DataSetFile> lists) =>
        ProtocolLists.Difference(lists, name) is { } difference
            ? (DataVariant.Unofficial, [$"The lists in '{folder}' are not the published ones of {name} ({difference})."])
            : (DataVariants.Of([.. images, .. lists]), []);

    private static Func<int, FscilData> Drawn(string name, ImageDataSet images, ProtocolOptions sizes)
    {
        bool apart = images.Test.Count > 0 && !ReferenceEquals(images.Train, images.Test);
        ImageSamples test = apart ? images.Test : images.Train;
        return seed =>
        {
            // Held back images have no label on the other side.
            bool[] held = apart ? [] : HeldBack(images.Train, images.ClassCount, (ulong)(sizes.seed + seed));
            int[] trainLabels = apart ? images.Train.Labels : [.. images.Train.Labels.Select((label, i) => held[i] ? -1 : label)];
            int[] testLabels = apart ? images.Test.Labels : [.. images.Train.Labels.Select((label, i) => held[i] ? label : -1)];
            return new FscilData(
                name == "folder" ? images.Name : name, images.Variant, images.Train, test, images.ClassNames,
                DrawnProtocol.Draw(trainLabels, testLabels, images.ClassCount, sizes with { seed = sizes.seed + seed }, images.ClassNames), images.Files, [])
            { Inverted = name == "omniglot" };
        };
    }

    /// <summary>Which images are to test on where the data does not say: a fifth of each class, drawn.</summary>
    private static bool[] HeldBack(ImageSamples images, int classes, ulong seed)
    {
        var held = new bool[images.Count];
        int[][] byClass = images.ByClass(classes);
        for (int k = 0; k < classes; k++)
        {
            int[] order = RandomPermutation.Of(byClass[k].Length, seed, RandomStream.Splits, (1 << 22) + k);
            foreach (int i in order[..(byClass[k].Length > 1 ? Math.Max(1, byClass[k].Length / TestShare) : 0)])
            {
                held[byClass[k][i]] = true;
            }
        }

        return held;
    }

    /// <summary>The lists beside the files of a data set, or null.</summary>
    private static string? Beside(string name, ImageDataSet images, string? dataFolder)
    {
        if (DataFolder.Root(dataFolder) is not { } root || images.Files.Count == 0)
        {
            return null;
        }

        // Photographs lie in a folder of a known name, beside which their lists are; other data in files.
        IEnumerable<string> places = name is "folder" or "mini-imagenet" or "cub200" ? [root] : DataFolder.FindAll(root, [[.. images.Files.Select(f => f.Name)]])[0];
        string[] found = [.. places.Select(folder => Path.Combine(folder, ListsFolder)).Where(folder => Directory.Exists(folder) && File.Exists(Path.Combine(folder, "session_1.txt")))];
        return found.Length <= 1 ? found.FirstOrDefault() : throw new ArgumentException($"There are lists beside {name} in {string.Join(" and ", found.Select(f => $"'{f}'"))}; name one by --lists.");
    }
}
