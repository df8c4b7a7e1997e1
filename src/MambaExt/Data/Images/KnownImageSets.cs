namespace MambaExt.Data.Images;

/// <summary>The image data sets of the registry.</summary>
internal static class KnownImageSets
{
    private static readonly string[] Digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    private static readonly string[] Clothes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
    private static readonly string[] Hiragana = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"];

    public static IReadOnlyList<KnownImageSet> All { get; } =
    [
        Idx("mnist", Digits), Idx("fashion-mnist", Clothes), Idx("kmnist", Hiragana),
        Cifar("cifar10", 10, 50_000, "data_batch_1.bin", "test_batch.bin", CifarClasses.Ten),
        Cifar("cifar100", 100, 50_000, "train.bin", "test.bin", CifarClasses.Hundred),
        new(
            new ImageDataSetInfo("digits", 1, new ImageSize(8, 8), 10, DigitsImages.TrainCount, DigitsImages.Count - DigitsImages.TrainCount, []),
            [new ImageLayout([], request =>
            {
                (MemoryImages train, MemoryImages test) = DigitsImages.Load();
                return request.Set(train, request.Options.TestFile is null ? test : throw new ArgumentException("digits is carried by the library and takes no test file."), Digits, []);
            })]),
    ];

    private static KnownImageSet Idx(string name, string[] classes)
    {
        IReadOnlyList<string>[] names = [IdxSet.Names("-idx", ".gz"), IdxSet.Names("-idx", ""), IdxSet.Names(".idx", "")];
        return new(
            new ImageDataSetInfo(name, 1, new ImageSize(28, 28), 10, 60_000, 10_000, names[0]),
            [.. names.Select(files => new ImageLayout(files, request => IdxSet.Load(request, classes)))]);
    }

    private static KnownImageSet Cifar(string name, int classes, int train, string trainFile, string testFile, IReadOnlyList<string> classNames) => new(
        new ImageDataSetInfo(name, 3, CifarFile.Size, classes, train, 10_000, [trainFile, testFile]),
        [new ImageLayout([trainFile, testFile], request => CifarSet.Load(request, classNames))]);
}
