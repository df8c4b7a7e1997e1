using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Fscil;

/// <summary>Where images and protocol of a run come from.</summary>
/// <param name="Name">A name of <see cref="FscilDataSets.Names"/></param>
/// <param name="DataFolder">The folder of <c>--data</c>; null for <c>MAMBAEXT_DATA</c></param>
/// <param name="Lists">A folder of lists; null for the <c>index_list</c> beside the data, or a protocol that is drawn</param>
/// <param name="Drawn">Sizes of a protocol that is drawn from the seed; null for the lists, or for what the data set has by habit</param>
public sealed record FscilDataOptions(string Name, string? DataFolder = null, string? Lists = null, ProtocolOptions? Drawn = null);

/// <summary>Data sets of few-shot class-incremental learning by name.</summary>
public static class FscilDataSets
{
    /// <summary>The folder of lists beside a data set's files.</summary>
    public const string ListsFolder = "index_list";

    // Base classes, ways and shots of protocols that are drawn where nothing else is said.
    private static readonly Dictionary<string, ProtocolOptions> Habits = new()
    {
        ["digits"] = new(4, 2, 5), ["mnist"] = new(4, 2, 5), ["fashion-mnist"] = new(4, 2, 5), ["kmnist"] = new(4, 2, 5), ["cifar10"] = new(4, 2, 5), ["cifar100"] = new(60, 5, 5),
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names => [.. Habits.Keys];

    /// <summary>Whether lists of a data set hold paths of images; else their numbers.</summary>
    public static bool ListsHoldPaths(string name) => !Habits.ContainsKey(name);

    /// <summary>Images once, and the protocol of each seed.</summary>
    /// <exception cref="ArgumentException">There is no such data set, or it does not fit the protocol asked for.</exception>
    /// <exception cref="IOException">Files are not there.</exception>
    /// <exception cref="InvalidDataException">Files or lists break their format.</exception>
    public static Func<int, FscilData> Load(FscilDataOptions options)
    {
        ImageDataSet images = ImageDataSets.Load(options.Name, options.DataFolder);
        string? lists = options.Lists ?? (options.Drawn is null ? Beside(images, options.DataFolder) : null);
        if (lists is not null && options.Drawn is not null)
        {
            throw new ArgumentException($"A protocol was to be drawn and its lists are in '{lists}'; give one of the two.");
        }

        return lists is not null ? Listed(images, lists) : Drawn(images, options.Drawn ?? Habits[images.Name]);
    }

    private static Func<int, FscilData> Listed(ImageDataSet images, string folder)
    {
        FscilProtocol protocol = ProtocolLists.Read(
            folder, new ListedImages(images.Train, images.ClassNames, byName: false), new ListedImages(images.Test, images.ClassNames, byName: false), images.ClassCount);
        IReadOnlyList<DataSetFile> files = ProtocolLists.Hash(folder, images.Name);
        DataVariant variant = DataVariants.Of([.. images.Files, .. files]);
        string[] notes = [.. files.Where(f => f.Official == false).Take(1).Select(f => $"The lists in '{folder}' are not the published ones of {images.Name} ({f.Name} and {files.Count(x => x.Official == false) - 1} more differ).")];
        var data = new FscilData(images.Name, variant, images.Train, images.Test, images.ClassNames, protocol, [.. images.Files, .. files], notes);
        return _ => data;
    }

    private static Func<int, FscilData> Drawn(ImageDataSet images, ProtocolOptions sizes) => seed => new FscilData(
        images.Name, images.Variant, images.Train, images.Test, images.ClassNames,
        DrawnProtocol.Draw(images.Train.Labels, images.Test.Labels, images.ClassCount, sizes with { seed = sizes.seed + seed }), images.Files, []);

    /// <summary>The lists beside the files of a data set, or null.</summary>
    private static string? Beside(ImageDataSet images, string? dataFolder)
    {
        if (images.Files.Count == 0 || DataFolder.Root(dataFolder) is not { } root)
        {
            return null;
        }

        string[] found =
        [
            .. DataFolder.FindAll(root, [[.. images.Files.Select(f => f.Name)]])[0].Select(folder => Path.Combine(folder, ListsFolder)).Where(Directory.Exists),
        ];
        return found.Length <= 1 ? found.FirstOrDefault() : throw new ArgumentException($"There are lists beside {images.Name} in {string.Join(" and ", found.Select(f => $"'{f}'"))}; name one by --lists.");
    }
}
