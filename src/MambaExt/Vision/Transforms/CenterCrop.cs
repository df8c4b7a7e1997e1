using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>Cuts out the middle.</summary>
/// <param name="Size">At most the image's own.</param>
public sealed record CenterCrop(ImageSize Size) : ImageTransform
{
    /// <summary>A square.</summary>
    public CenterCrop(int side)
        : this(new ImageSize(side, side))
    {
    }

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"center_crop({Size})");

    /// <inheritdoc/>
    public override ImageSize? Output(ImageSize? input) => Size.Height > 0 && Size.Width > 0 && (input is not { } size || (Size.Height <= size.Height && Size.Width <= size.Width))
        ? Size
        : throw new ArgumentException($"The middle {Size} of an image of {input} was asked for; give at most its size, or resize it first.");

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        _ = Output(canvas.Size);
        int top = (int)Math.Round((canvas.Size.Height - Size.Height) / 2.0), left = (int)Math.Round((canvas.Size.Width - Size.Width) / 2.0);
        Resampling.Apply(canvas, top, left, Size, Size, Interpolation.Bilinear);
    }
}
