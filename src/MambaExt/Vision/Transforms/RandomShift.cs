using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>What lies beyond the border of an image.</summary>
public enum ShiftPadding
{
    /// <summary>Zeros.</summary>
    Zero,

    /// <summary>The image mirrored at its outermost row or column, which itself does not come twice.</summary>
    Reflect,
}

/// <summary>Pads every side and cuts out the image's own size at a random place: a shift by up to <paramref name="Pixels"/> each way (torchvision's
/// <c>RandomCrop(size, padding)</c>).</summary>
/// <param name="Pixels">0 or more; with reflection less than height and width.</param>
/// <param name="Padding">What is shifted in.</param>
public sealed record RandomShift(int Pixels, ShiftPadding Padding = ShiftPadding.Zero) : ImageTransform
{
    /// <summary>Largest shift each way.</summary>
    public int Pixels { get; init => field = (int)Within(value, 0, 1 << 12, nameof(RandomShift), nameof(Pixels)); } = (int)Within(Pixels, 0, 1 << 12, nameof(RandomShift), nameof(Pixels));

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"shift({Pixels}, {Padding})").ToLowerInvariant();

    /// <inheritdoc/>
    public override ImageSize? Output(ImageSize? input) => Padding == ShiftPadding.Reflect && input is { } size && Pixels >= Math.Min(size.Height, size.Width)
        ? throw new ArgumentException($"A shift by up to {Pixels} pixels with reflection was asked for images of {size}; reflection reaches less far than the image, so shift less or pad with zeros.")
        : input;

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        int down = random.Below((2 * Pixels) + 1) - Pixels, right = random.Below((2 * Pixels) + 1) - Pixels;
        ImageSize size = canvas.Size;
        _ = Output(size);
        Span<float> target = canvas.Target(size);
        Span<float> pixels = canvas.Pixels;
        for (int c = 0; c < canvas.Channels; c++)
        {
            for (int y = 0; y < size.Height; y++)
            {
                Span<float> to = target.Slice((c * size.Area) + (y * size.Width), size.Width);
                int source = y + down;
                if (Padding == ShiftPadding.Zero && (uint)source >= (uint)size.Height)
                {
                    to.Clear();
                    continue;
                }

                Row(pixels.Slice((c * size.Area) + (Mirrored(source, size.Height) * size.Width), size.Width), to, right);
            }
        }

        canvas.Commit();
    }

    private void Row(ReadOnlySpan<float> from, Span<float> to, int right)
    {
        int width = from.Length, start = Math.Clamp(-right, 0, width), end = Math.Clamp(width - right, start, width);
        if (start < end)
        {
            from.Slice(start + right, end - start).CopyTo(to[start..]);
        }

        for (int x = 0; x < start; x++)
        {
            to[x] = Padding == ShiftPadding.Zero ? 0 : from[Mirrored(x + right, width)];
        }

        for (int x = end; x < width; x++)
        {
            to[x] = Padding == ShiftPadding.Zero ? 0 : from[Mirrored(x + right, width)];
        }
    }

    private static int Mirrored(int at, int length) => at < 0 ? -at : at >= length ? (2 * length) - 2 - at : at;
}
