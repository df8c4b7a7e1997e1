using MambaExt.Data.Images;

namespace MambaExt.Vision.Transforms;

/// <summary>How values between pixels are found.</summary>
public enum Interpolation
{
    /// <summary>Linear: a triangle two pixels wide.</summary>
    Bilinear,

    /// <summary>Cubic convolution with a = -0.5, four pixels wide (Keys 1981), kept in 0 to 1.</summary>
    Bicubic,

    /// <summary>The mean of the pixels whose middle an output pixel covers.</summary>
    Box,
}

/// <summary>
/// Cuts a part out of an image and brings it to a size. Where it gets smaller, the kernel is widened by the ratio, so that every pixel counts
/// (what Pillow and torchvision with <c>antialias</c> do): output pixel o reads around (o + 0.5) r, r = part / size, weights scaled to sum to 1.
/// </summary>
internal static class Resampling
{
    [ThreadStatic]
    private static float[]? _rows;

    /// <summary>Makes the part that starts at (<paramref name="top"/>, <paramref name="left"/>) the image, at <paramref name="size"/>.</summary>
    public static void Apply(ImageCanvas canvas, int top, int left, ImageSize part, ImageSize size, Interpolation kind)
    {
        ImageSize from = canvas.Size;
        if (part == size)
        {
            Crop(canvas, top, left, part);
            return;
        }

        var vertical = new ResamplingWeights(part.Height, size.Height, kind);
        var horizontal = new ResamplingWeights(part.Width, size.Width, kind);
        Span<float> target = canvas.Target(size), pixels = canvas.Pixels;
        Span<float> row = (_rows?.Length >= part.Width ? _rows : _rows = new float[part.Width]).AsSpan(0, part.Width);
        for (int c = 0; c < canvas.Channels; c++)
        {
            for (int y = 0; y < size.Height; y++)
            {
                int first = vertical.First(y);
                ReadOnlySpan<float> weights = vertical.Of(y);
                for (int k = 0; k < weights.Length; k++)
                {
                    ReadOnlySpan<float> source = pixels.Slice((c * from.Area) + ((top + first + k) * from.Width) + left, part.Width);
                    if (k == 0)
                    {
                        PlaneMath.Scaled(source, row, weights[0]);
                    }
                    else
                    {
                        PlaneMath.AddScaled(source, row, weights[k]);
                    }
                }

                Span<float> to = target.Slice((c * size.Area) + (y * size.Width), size.Width);
                Along(row, to, horizontal);
            }
        }

        if (kind == Interpolation.Bicubic)
        {
            // Its weights may be negative: what comes out may lie beyond black and white.
            PlaneMath.ScaleClamped(target, 1, 0);
        }

        canvas.Commit();
    }

    /// <summary>Brings the shorter side to the size and cuts off what is too long, by taking the largest part in the middle that has the shape of the size.</summary>
    public static void Cover(ImageCanvas canvas, ImageSize size, Interpolation kind)
    {
        ImageSize from = canvas.Size;
        ImageSize part = (long)from.Height * size.Width > (long)from.Width * size.Height
            ? new ImageSize(Math.Clamp((int)Math.Round((double)from.Width * size.Height / size.Width), 1, from.Height), from.Width)
            : new ImageSize(from.Height, Math.Clamp((int)Math.Round((double)from.Height * size.Width / size.Height), 1, from.Width));
        Apply(canvas, (from.Height - part.Height) / 2, (from.Width - part.Width) / 2, part, size, kind);
    }

    private static void Crop(ImageCanvas canvas, int top, int left, ImageSize part)
    {
        ImageSize from = canvas.Size;
        if (part == from)
        {
            return;
        }

        Span<float> target = canvas.Target(part), pixels = canvas.Pixels;
        for (int c = 0; c < canvas.Channels; c++)
        {
            for (int y = 0; y < part.Height; y++)
            {
                pixels.Slice((c * from.Area) + ((top + y) * from.Width) + left, part.Width).CopyTo(target[((c * part.Area) + (y * part.Width))..]);
            }
        }

        canvas.Commit();
    }

    private static void Along(ReadOnlySpan<float> row, Span<float> to, ResamplingWeights table)
    {
        for (int x = 0; x < to.Length; x++)
        {
            ReadOnlySpan<float> weights = table.Of(x), source = row.Slice(table.First(x), weights.Length);
            float sum = 0;
            for (int k = 0; k < source.Length; k++)
            {
                sum += source[k] * weights[k];
            }

            to[x] = sum;
        }
    }
}
