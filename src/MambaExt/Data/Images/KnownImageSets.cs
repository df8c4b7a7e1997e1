namespace MambaExt.Data.Images;

/// <summary>The image data sets of the registry.</summary>
internal static class KnownImageSets
{
    /// <summary>What image folders of the user's own are called.</summary>
    public const string OwnFolder = "folder";

    private static readonly string[] Digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    private static readonly string[] Clothes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
    private static readonly string[] Hiragana = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

    public static IReadOnlyList<KnownImageSet> All { get; } =
    [
        Idx("mnist", Digits), Idx("fashion-mnist", Clothes), Idx("kmnist", Hiragana),
        Cifar("cifar10", "cifar-10-binary.tar.gz", "data_batch_1.bin", "test_batch.bin", CifarClasses.Ten),
        Cifar("cifar100", "cifar-100-binary.tar.gz", "train.bin", "test.bin", CifarClasses.Hundred),
        new(
            new ImageDataSetInfo("digits", 1, new ImageSize(8, 8), 10, DigitsImages.TrainCount, DigitsImages.Count - DigitsImages.TrainCount, []),
            [new ImageLayout([], request =>
            {
                (MemoryImages train, MemoryImages test) = DigitsImages.Load();
                return request.Set(train, request.Options.TestFile is null ? test : throw new ArgumentException("digits is carried by the library and takes no test file."), Digits, []);
            })]),
        new(
            new ImageDataSetInfo("omniglot", 1, OmniglotSet.Usual, 964, 14_460, 4_820, ["images_background.zip"]),
            [new ImageLayout(["images_background.zip"], OmniglotSet.Load)]),
        new(
            new ImageDataSetInfo("mini-imagenet", 3, null, 100, 50_000, 10_000, []),
            [new ImageLayout([], FolderSets.LoadMiniImageNet, root => FolderSets.Find(root, FolderSets.MiniImageNet, "train"), $"the folder {FolderSets.MiniImageNet} with train/CLASS and test/CLASS in it")]),
        new(
            new ImageDataSetInfo("cub200", 3, null, 200, 5_994, 5_794, []),
            [new ImageLayout([], FolderSets.LoadCub, root => FolderSets.Find(root, FolderSets.Cub, "images"), $"the folder {FolderSets.Cub} with images/CLASS in it")]),
        new(
            new ImageDataSetInfo(OwnFolder, 3, null, 0, 0, 0, []),
            [new ImageLayout([], request => ImageFolder.Read(request.Folder, request.Options), root => [root], "an image folder, whose subfolders are classes")]),
    ];

    private static KnownImageSet Idx(string name, string[] classes)
    {
        IReadOnlyList<string>[] names = [IdxSet.Names("-idx", ".gz"), IdxSet.Names("-idx", ""), IdxSet.Names(".idx", "")];
        return new(
            new ImageDataSetInfo(name, 1, new ImageSize(28, 28), 10, 60_000, 10_000, names[0]),
            [.. names.Select(files => new ImageLayout(files, request => IdxSet.Load(request, classes)))]);
    }

    private static KnownImageSet Cifar(string name, string archive, string trainFile, string testFile, IReadOnlyList<string> classNames) => new(
        new ImageDataSetInfo(name, 3, CifarFile.Size, classNames.Count, 50_000, 10_000, [archive]),
        [new ImageLayout([archive], request => CifarSet.Load(request, classNames)), new ImageLayout([trainFile, testFile], request => CifarSet.Load(request, classNames))]);
}
