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

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names => [.. Known.Keys];

    /// <summary>The pipeline of a name for images of <paramref name="size"/> in training.</summary>
    public static ImagePipeline Train(string name, int size, ImageNormalization normalization) => new(Known[name].Train(size), normalization);

    /// <summary>The same in testing.</summary>
    public static ImagePipeline Test(string name, int size, ImageNormalization normalization) => new(Known[name].Test(size), normalization);
}
