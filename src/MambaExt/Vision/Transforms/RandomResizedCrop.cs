using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Cuts out a random part and brings it to a size, as torchvision's <c>RandomResizedCrop</c>: the part's area is uniform in <c>MinScale ... MaxScale</c>
/// of the image, its width / height log-uniform in <c>MinRatio ... MaxRatio</c>; after ten parts that do not fit, the largest one in the middle that does.
/// </summary>
/// <param name="Size">What comes out.</param>
public sealed record RandomResizedCrop(ImageSize Size) : ImageTransform
{
    private const int Attempts = 10;

    /// <summary>A square.</summary>
    public RandomResizedCrop(int side)
        : this(new ImageSize(side, side))
    {
    }

    /// <summary>Least part of the area, above 0.</summary>
    public double MinScale { get; init; } = 0.08;

    /// <summary>Largest part of the area, at most 1.</summary>
    public double MaxScale { get; init; } = 1;

    /// <summary>Least width / height, above 0.</summary>
    public double MinRatio { get; init; } = 3.0 / 4;

    /// <summary>Largest width / height.</summary>
    public double MaxRatio { get; init; } = 4.0 / 3;

    /// <summary>How values between pixels are found.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bilinear;

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"random_resized_crop({Size}, scale {MinScale:g6}-{MaxScale:g6}, ratio {MinRatio:g6}-{MaxRatio:g6}, {Interpolation})").ToLowerInvariant();

    /// <inheritdoc/>
    public override ImageSize? Output(ImageSize? input)
    {
        if (!(MinScale > 0 && MinScale <= MaxScale && MaxScale <= 1 && MinRatio > 0 && MinRatio <= MaxRatio) || Size.Height < 1 || Size.Width < 1)
        {
            throw new ArgumentException(Invariant(
                $"A random crop to {Size} with scale {MinScale} to {MaxScale} and ratio {MinRatio} to {MaxRatio} was asked for; give a size of 1 or more, 0 < least scale <= largest <= 1 and 0 < least ratio <= largest."));
        }

        return Size;
    }

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        (int top, int left, ImageSize part) = Part(canvas.Size, ref random);
        Resampling.Apply(canvas, top, left, part, Size, Interpolation);
    }

    /// <summary>Where the part lies.</summary>
    internal (int Top, int Left, ImageSize Part) Part(ImageSize image, ref TransformRandom random)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            double area = image.Height * (double)image.Width * random.Uniform(MinScale, MaxScale);
            double ratio = Math.Exp(random.Uniform(Math.Log(MinRatio), Math.Log(MaxRatio)));
            int width = (int)Math.Round(Math.Sqrt(area * ratio)), height = (int)Math.Round(Math.Sqrt(area / ratio));
            if (width > 0 && height > 0 && width <= image.Width && height <= image.Height)
            {
                return (random.Below(image.Height - height + 1), random.Below(image.Width - width + 1), new ImageSize(height, width));
            }
        }

        double shape = image.Width / (double)image.Height;
        ImageSize middle = shape < MinRatio ? new ImageSize(Math.Clamp((int)Math.Round(image.Width / MinRatio), 1, image.Height), image.Width)
            : shape > MaxRatio ? new ImageSize(image.Height, Math.Clamp((int)Math.Round(image.Height * MaxRatio), 1, image.Width))
            : image;
        return ((image.Height - middle.Height) / 2, (image.Width - middle.Width) / 2, middle);
    }
}
