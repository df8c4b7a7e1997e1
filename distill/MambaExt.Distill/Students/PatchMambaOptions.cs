using System.Globalization;

namespace MambaExt.Distill.Students;

/// <summary>Sizes of a <see cref="PatchMamba"/>: what an image is, and the four numbers that students differ in.</summary>
public sealed record PatchMambaOptions
{
    /// <summary>C, channels of an image.</summary>
    public int channels { get; init; } = 1;

    /// <summary>H, pixels.</summary>
    public int height { get; init; } = 28;

    /// <summary>W, pixels.</summary>
    public int width { get; init; } = 28;

    /// <summary>K.</summary>
    public int classes { get; init; } = 10;

    /// <summary>Pixels along each side of a patch.</summary>
    public int patch { get; init; } = 7;

    /// <summary>Width of a token.</summary>
    public int d_model { get; init; } = 64;

    /// <summary>N, states of each channel of the scans.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>Layers.</summary>
    public int blocks { get; init; } = 3;

    /// <summary>Taps of the convolutions before the scans.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>Inner width of a block over d_model.</summary>
    public int expand { get; init; } = 2;

    /// <summary>One of <see cref="ScanKind.All"/>.</summary>
    public string scan { get; init; } = ScanKind.Forward;

    /// <summary>Channels of a 3 x 3 convolution with SiLU before the patches; 0 for none.</summary>
    public int stem_channels { get; init; }

    /// <summary>Its stride; the patch, in pixels of the image, must be a multiple of it.</summary>
    public int stem_stride { get; init; } = 1;

    /// <summary>Values of the preceding student's feature that the head reads beside its own; 0 for none.</summary>
    public int reuse { get; init; }

    /// <summary>A second head that learns from the teacher, as DeiT and GroupMamba have it; logits are the mean of both. See <see cref="Stages.DistillOptions.distillation_head"/>.</summary>
    public bool distillation_head { get; init; }

    /// <summary>L, tokens of an image.</summary>
    public int Tokens => height / patch * (width / patch);

    /// <summary>The four numbers as the tables print them: patch x d_model x d_state x blocks.</summary>
    public string Size => string.Create(CultureInfo.InvariantCulture, $"{patch}x{d_model}x{d_state}x{blocks}");

    /// <summary>These sizes with the four numbers of <paramref name="size"/>.</summary>
    /// <param name="size">patch x d_model x d_state x blocks, 14x12x8x1 say</param>
    /// <exception cref="ArgumentException">It is not of that form.</exception>
    public PatchMambaOptions WithSize(string size)
    {
        string[] parts = size.Split('x');
        int[] numbers = [.. parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0)];
        return numbers.Length == 4 && numbers.All(n => n >= 1)
            ? this with { patch = numbers[0], d_model = numbers[1], d_state = numbers[2], blocks = numbers[3] }
            : throw new ArgumentException($"'{size}' is no size of a model; give patch, d_model, d_state and blocks as 14x12x8x1.");
    }

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    /// <exception cref="ArgumentException">A size is out of range.</exception>
    public void Validate()
    {
        string[] faults = [.. Faults()];
        if (faults.Length > 0)
        {
            throw new ArgumentException($"Model {Size}: {string.Join("; ", faults)}; correct them where the model is described.");
        }
    }

    private IEnumerable<string> Faults()
    {
        if (channels < 1 || height < 1 || width < 1 || (long)channels * height * width > 1 << 26)
        {
            yield return $"images are {channels} x {height} x {width}, allowed are 1 x 1 x 1 and more, up to {1 << 26} values";
        }

        if (classes is < 2 or > 1 << 16)
        {
            yield return $"classes is {classes}, allowed are 2 to {1 << 16}";
        }

        if (patch < 1 || height % Math.Max(patch, 1) != 0 || width % Math.Max(patch, 1) != 0)
        {
            yield return $"patch is {patch}, allowed are divisors of {height} and {width}";
        }

        if (blocks is < 1 or > 1024)
        {
            yield return $"blocks is {blocks}, allowed are 1 to 1024";
        }

        if (!ScanKind.All.Contains(scan))
        {
            yield return $"scan is '{scan}', allowed are {string.Join(", ", ScanKind.All)}";
        }

        if (stem_channels is < 0 or > 4096 || stem_stride is < 1 or > 16 || patch % Math.Max(stem_stride, 1) != 0)
        {
            yield return $"stem_channels is {stem_channels} with stem_stride {stem_stride}, allowed are 0 to 4096 channels and a stride from 1 to 16 that divides the patch";
        }
        else if (stem_channels == 0 && stem_stride != 1)
        {
            yield return $"stem_stride is {stem_stride} and there is no stem, allowed is 1";
        }

        if (reuse is < 0 or > 1 << 16)
        {
            yield return $"reuse is {reuse}, allowed are 0 to {1 << 16}";
        }

        // The numbers of a block are its own business; made here so that they are named before anything is built.
        string? block = null;
        try
        {
            Block.Validate();
        }
        catch (ArgumentException e)
        {
            block = e.Message.Split(';')[0];
        }

        if (block is not null)
        {
            yield return block;
        }
    }

    /// <summary>What each Mamba block is made of.</summary>
    public Blocks.MambaOptions Block => new(d_model) { d_state = d_state, d_conv = d_conv, expand = expand };
}
