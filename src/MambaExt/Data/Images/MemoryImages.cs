namespace MambaExt.Data.Images;

/// <summary>Images of one size that lie in memory, [N, C, H, W] row by row, a byte a value.</summary>
public sealed class MemoryImages : ImageSamples
{
    private readonly byte[] _pixels;
    private readonly IReadOnlyList<string>? _names;

    /// <summary>Wraps <paramref name="pixels"/>, which must not change from then on.</summary>
    /// <param name="pixels">N * C * H * W values, 0 ... 255.</param>
    /// <param name="channels">C.</param>
    /// <param name="size">H and W.</param>
    /// <param name="labels">Class of each image, [N].</param>
    /// <param name="names">What each image is called, [N]; null for its number.</param>
    public MemoryImages(byte[] pixels, int channels, ImageSize size, int[] labels, IReadOnlyList<string>? names = null)
        : base(channels, size, labels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.LongLength != (long)labels.Length * channels * size.Area || (names is not null && names.Count != labels.Length))
        {
            throw new ArgumentException(
                $"{pixels.Length} pixel values, {labels.Length} labels and {names?.Count ?? labels.Length} names were given for images of {channels} channels and {size} pixels; give channels x height x width values, a label and a name an image.");
        }

        (_pixels, _names) = (pixels, names);
    }

    /// <summary>All pixels, [N, C, H, W].</summary>
    public ReadOnlyMemory<byte> Pixels => _pixels;

    /// <inheritdoc/>
    public override string Name(int index) => _names?[index] ?? base.Name(index);

    /// <inheritdoc/>
    public override ImageView Read(int index, ref byte[] scratch)
    {
        int values = Channels * Size!.Value.Area;
        return new ImageView(_pixels.AsMemory(index * values, values), Channels, Size.Value);
    }

    /// <summary>Some of the images, copied; their numbers are new ones.</summary>
    /// <param name="indices">Of 0 ... N - 1, in the order wanted.</param>
    public MemoryImages Subset(ReadOnlySpan<int> indices)
    {
        int[] chosen = CheckedIndices(indices);
        int values = Channels * Size!.Value.Area;
        byte[] pixels = new byte[(long)values * chosen.Length];
        for (int i = 0; i < chosen.Length; i++)
        {
            _pixels.AsSpan(chosen[i] * values, values).CopyTo(pixels.AsSpan(i * values));
        }

        return new MemoryImages(pixels, Channels, Size.Value, Array.ConvertAll(chosen, i => Labels[i]), _names is null ? null : Array.ConvertAll(chosen, i => _names[i]));
    }
}
