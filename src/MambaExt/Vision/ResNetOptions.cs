namespace MambaExt.Vision;

/// <summary>Stages of a <see cref="ResNet"/>: as many entries of each list as stages, at most eight.</summary>
public sealed record ResNetOptions
{
    /// <summary>Channels of the images.</summary>
    public int input_channels { get; init; } = 3;

    /// <summary>Channels behind the first convolution.</summary>
    public int stem_width { get; init; } = 64;

    /// <summary>imagenet: 7 x 7 with stride 2 and a 3 x 3 maximum with stride 2; cifar: 3 x 3 with stride 1.</summary>
    public string stem { get; init; } = "imagenet";

    /// <summary>Blocks of each stage.</summary>
    public int[] blocks { get; init; } = [2, 2, 2, 2];

    /// <summary>Channels of each stage.</summary>
    public int[] widths { get; init; } = [64, 128, 256, 512];

    /// <summary>Stride of each stage's first block.</summary>
    public int[] strides { get; init; } = [1, 2, 2, 2];

    /// <summary>ResNet-18 (He et al., arXiv 1512.03385, table 1): 224 x 224 gives 512 x 7 x 7. 11,176,512 parameters without a classifier.</summary>
    public static ResNetOptions ResNet18 { get; } = new();

    /// <summary>ResNet-20 for small images (the same paper, section 4.2) with 1 x 1 convolutions on the shortcuts: 32 x 32 gives 4 width x 8 x 8.</summary>
    /// <param name="width">Of the first stage; 16 as published</param>
    public static ResNetOptions ResNet20(int width = 16) => new()
    {
        stem = "cifar", stem_width = width, blocks = [3, 3, 3], widths = [width, checked(2 * width), checked(4 * width)], strides = [1, 2, 2],
    };

    /// <summary>Four blocks of 32, 64, 128 and 256 channels behind a first convolution of 32: 32 x 32 gives 256 x 4 x 4, in a few minutes of training on a CPU.</summary>
    public static ResNetOptions Small { get; } = new() { stem = "cifar", stem_width = 32, blocks = [1, 1, 1, 1], widths = [32, 64, 128, 256], strides = [2, 2, 1, 2] };

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        List<string> faults = [];
        Need(input_channels >= 1 && stem_width >= 1, $"input_channels and stem_width are {input_channels} and {stem_width}, allowed are 1 and more");
        Need(stem is "imagenet" or "cifar", $"stem is '{stem}', allowed are imagenet and cifar");
        Need(blocks.Length is >= 1 and <= 8 && widths.Length == blocks.Length && strides.Length == blocks.Length, $"blocks, widths and strides have {blocks.Length}, {widths.Length} and {strides.Length} entries, allowed is one each for 1 to 8 stages");
        Need(blocks.All(b => b is >= 1 and <= 1000) && widths.All(w => w is >= 1 and <= 1 << 16) && strides.All(s => s is 1 or 2), "blocks must be 1 to 1000, widths 1 to 65536, strides 1 or 2");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"ResNet options: {string.Join("; ", faults)}; correct them where the network is made.");
        }

        void Need(bool good, string text)
        {
            if (!good)
            {
                faults.Add(text);
            }
        }
    }
}
