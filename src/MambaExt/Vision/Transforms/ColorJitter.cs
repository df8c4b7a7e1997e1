using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Changes brightness, contrast and saturation by random factors, in a random order, as torchvision's <c>ColorJitter</c> does to images of real
/// numbers. With a factor f, uniform in max(0, 1 - strength) ... 1 + strength, and values kept in 0 to 1: brightness f x; contrast f x + (1 - f) m, m the mean
/// gray of the image; saturation f x + (1 - f) gray(x), gray = 0.2989 R + 0.587 G + 0.114 B. Images of one channel have no saturation.
/// </summary>
/// <param name="Brightness">Strength, 0 for none.</param>
/// <param name="Contrast">Strength, 0 for none.</param>
/// <param name="Saturation">Strength, 0 for none.</param>
public sealed record ColorJitter(double Brightness = 0, double Contrast = 0, double Saturation = 0) : ImageTransform
{
    private static readonly int[][] Orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

    /// <summary>Strength, 0 for none.</summary>
    public double Brightness { get; init => field = Within(value, 0, 10, nameof(ColorJitter), nameof(Brightness)); } = Within(Brightness, 0, 10, nameof(ColorJitter), nameof(Brightness));

    /// <summary>Strength, 0 for none.</summary>
    public double Contrast { get; init => field = Within(value, 0, 10, nameof(ColorJitter), nameof(Contrast)); } = Within(Contrast, 0, 10, nameof(ColorJitter), nameof(Contrast));

    /// <summary>Strength, 0 for none.</summary>
    public double Saturation { get; init => field = Within(value, 0, 10, nameof(ColorJitter), nameof(Saturation)); } = Within(Saturation, 0, 10, nameof(ColorJitter), nameof(Saturation));

    /// <summary>The same strength for all three.</summary>
    public ColorJitter(double strength)
        : this(strength, strength, strength)
    {
    }

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"color_jitter({Brightness}, {Contrast}, {Saturation})");

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        int[] order = Orders[random.Below(Orders.Length)];
        ReadOnlySpan<double> strengths = [Brightness, Contrast, Saturation];
        Span<float> factors = stackalloc float[3];
        for (int i = 0; i < 3; i++)
        {
            factors[i] = (float)random.Uniform(Math.Max(0, 1 - strengths[i]), 1 + strengths[i]);
        }

        foreach (int change in order)
        {
            if (strengths[change] > 0)
            {
                Change(canvas, change, factors[change]);
            }
        }
    }

    private static void Change(ImageCanvas canvas, int change, float factor)
    {
        switch (change)
        {
            case 0:
                PlaneMath.ScaleClamped(canvas.Pixels, factor, 0);
                break;
            case 1:
                double gray = canvas.Channels == 3
                    ? (Gray.Red * PlaneMath.Mean(canvas.Plane(0))) + (Gray.Green * PlaneMath.Mean(canvas.Plane(1))) + (Gray.Blue * PlaneMath.Mean(canvas.Plane(2)))
                    : PlaneMath.Mean(canvas.Pixels);
                PlaneMath.ScaleClamped(canvas.Pixels, factor, (float)(gray * (1 - factor)));
                break;
            default:
                if (canvas.Channels == 3)
                {
                    PlaneMath.BlendWithGray(canvas.Plane(0), canvas.Plane(1), canvas.Plane(2), factor);
                }

                break;
        }
    }
}
