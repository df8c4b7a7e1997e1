using MambaExt.Data.Images;
using MambaExt.Vision.Transforms;

namespace MambaExt.Fscil.Recipes;

/// <summary>What is done to images before a backbone sees them, by name: in training, and in testing.</summary>
public static class Augmentations
{
    private static readonly Dictionary<string, (Func<int, ImageTransform[]> Train, Func<int, ImageTransform[]> Test)> Known = new()
    {
        ["none"] = (size => [new ResizeTo(new ImageSize(size, size))], size => [new ResizeTo(new ImageSize(size, size))]),
        ["shift"] = (size => [new ResizeTo(new ImageSize(size, size)), new RandomShift(Math.Max(1, size / 8))], size => [new ResizeTo(new ImageSize(size, size))]),
        ["shift-flip"] = (size => [new ResizeTo(new ImageSize(size, size)), new RandomShift(size / 8, ShiftPadding.Reflect), new HorizontalFlip()], size => [new ResizeTo(new ImageSize(size, size))]),
        ["affine"] = (
            size => [new ResizeTo(new ImageSize(size, size)), new RandomAffine(Degrees: 15, Scale: 0.15, Shear: 0.2, Shift: 0.15)], size => [new ResizeTo(new ImageSize(size, size))]),

        // As published with Mamba-FSCIL: colour jitter of 0.4, 0.4 and 0.3.
        ["mini-imagenet"] = (
            size => [new RandomResizedCrop(size), new HorizontalFlip(), new ColorJitter(0.4)], size => [new Resize(size * 96 / 84), new CenterCrop(size)]),
        ["cifar"] = (
            size => [new RandomResizedCrop(size) { MinScale = 0.6, Interpolation = Interpolation.Bicubic }, new HorizontalFlip(), new ColorJitter(0.4)],
            size => [new Resize(size * 36 / 32), new CenterCrop(size)]),
        ["cub"] = (
            size => [new RandomResizedCrop(size), new HorizontalFlip(), new ColorJitter(0.3)], size => [new Resize(size * 256 / 224), new CenterCrop(size)]),
    };

    // As the released code has them, on a scale of 255.
    private static readonly ImageNormalization Cifar100 = new([129.304f / 255, 124.070f / 255, 112.434f / 255], [68.170f / 255, 65.392f / 255, 70.418f / 255]);

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names => [.. Known.Keys];

    /// <summary>Names of normalizations.</summary>
    public static IReadOnlyList<string> Normalizations { get; } = ["measured", "imagenet", "cifar100"];

    /// <summary>Mean and deviation of each channel by name: measured on the base training images, or published constants.</summary>
    /// <exception cref="ArgumentException">Constants of colour images were asked for and the images are grey.</exception>
    public static ImageNormalization Normalization(string name, FscilData data)
    {
        if (name != "measured" && data.Train.Channels != 3)
        {
            throw new ArgumentException($"training.normalization is {name}, constants of 3 channels, and the images have {data.Train.Channels}; give measured.");
        }

        return name switch
        {
            "imagenet" => ImageNormalization.ImageNet,
            "cifar100" => Cifar100,
            _ => data.Normalization,
        };
    }

    /// <summary>The pipeline of a name for images of <paramref name="size"/> in training.</summary>
    public static ImagePipeline Train(string name, int size, ImageNormalization normalization) => new(Known[name].Train(size), normalization);

    /// <summary>The same in testing.</summary>
    public static ImagePipeline Test(string name, int size, ImageNormalization normalization) => new(Known[name].Test(size), normalization);
}
