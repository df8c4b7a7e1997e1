using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>Mirrors left and right with a probability.</summary>
/// <param name="Probability">0 to 1.</param>
public sealed record HorizontalFlip(double Probability = 0.5) : ImageTransform
{
    /// <summary>0 to 1.</summary>
    public double Probability { get; init => field = Within(value, 0, 1, nameof(HorizontalFlip), nameof(Probability)); } = Within(Probability, 0, 1, nameof(HorizontalFlip), nameof(Probability));

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"flip({Probability})");

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!random.Chance(Probability))
        {
            return;
        }

        Span<float> pixels = canvas.Pixels;
        for (int row = 0; row < pixels.Length; row += canvas.Size.Width)
        {
            pixels.Slice(row, canvas.Size.Width).Reverse();
        }
    }
}
