using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>Brings the shorter side to <paramref name="ShortSide"/> pixels and keeps the proportions; the longer side is rounded down.</summary>
/// <param name="ShortSide">1 or more.</param>
/// <param name="Interpolation">How values between pixels are found.</param>
public sealed record Resize(int ShortSide, Interpolation Interpolation = Interpolation.Bilinear) : ImageTransform
{
    /// <summary>1 or more.</summary>
    public int ShortSide { get; init => field = (int)Within(value, 1, 1 << 14, nameof(Resize), nameof(ShortSide)); } = (int)Within(ShortSide, 1, 1 << 14, nameof(Resize), nameof(ShortSide));

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"resize({ShortSide}, {Interpolation})").ToLowerInvariant();

    /// <inheritdoc/>
    public override ImageSize? Output(ImageSize? input) => input is not { } size ? null
        : size.Height <= size.Width ? new ImageSize(ShortSide, (int)((long)ShortSide * size.Width / size.Height))
        : new ImageSize((int)((long)ShortSide * size.Height / size.Width), ShortSide);

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        Resampling.Apply(canvas, 0, 0, canvas.Size, Output(canvas.Size)!.Value, Interpolation);
    }
}

/// <summary>Brings the whole image to a size, whatever its proportions.</summary>
/// <param name="Size">What comes out.</param>
/// <param name="Interpolation">How values between pixels are found.</param>
public sealed record ResizeTo(ImageSize Size, Interpolation Interpolation = Interpolation.Bilinear) : ImageTransform
{
    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"resize_to({Size}, {Interpolation})").ToLowerInvariant();

    /// <inheritdoc/>
    public override ImageSize? Output(ImageSize? input) => Size.Height > 0 && Size.Width > 0 ? Size : throw new ArgumentException($"A size of {Size} was asked for; give 1 or more each way.");

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        Resampling.Apply(canvas, 0, 0, canvas.Size, Size, Interpolation);
    }
}
