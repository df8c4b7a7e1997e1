using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Rotates, scales, shears and shifts about the middle c of the image: a point p goes to c + t + R(angle) s K (p - c), K = [1 k; 0 1], each of angle, s,
/// k and t uniform around doing nothing. Values between pixels are bilinear, and beyond the border lies 0.
/// </summary>
/// <param name="Degrees">Largest angle each way.</param>
/// <param name="Scale">s is 1 - Scale to 1 + Scale; below 1.</param>
/// <param name="Shear">k is -Shear to Shear.</param>
/// <param name="Shift">t is up to this part of height and width each way.</param>
public sealed record RandomAffine(double Degrees = 0, double Scale = 0, double Shear = 0, double Shift = 0) : ImageTransform
{
    /// <summary>Largest angle each way, 0 to 180.</summary>
    public double Degrees { get; init => field = Within(value, 0, 180, nameof(RandomAffine), nameof(Degrees)); } = Within(Degrees, 0, 180, nameof(RandomAffine), nameof(Degrees));

    /// <summary>Largest change of scale each way, 0 to 0.95.</summary>
    public double Scale { get; init => field = Within(value, 0, 0.95, nameof(RandomAffine), nameof(Scale)); } = Within(Scale, 0, 0.95, nameof(RandomAffine), nameof(Scale));

    /// <summary>Largest shear each way, 0 to 2.</summary>
    public double Shear { get; init => field = Within(value, 0, 2, nameof(RandomAffine), nameof(Shear)); } = Within(Shear, 0, 2, nameof(RandomAffine), nameof(Shear));

    /// <summary>Largest shift each way in parts of height and width, 0 to 1.</summary>
    public double Shift { get; init => field = Within(value, 0, 1, nameof(RandomAffine), nameof(Shift)); } = Within(Shift, 0, 1, nameof(RandomAffine), nameof(Shift));

    /// <inheritdoc/>
    public override string Fingerprint => Invariant($"random_affine(degrees {Degrees}, scale {Scale}, shear {Shear}, shift {Shift})");

    /// <inheritdoc/>
    public override void Apply(ImageCanvas canvas, ref TransformRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        ImageSize size = canvas.Size;
        double angle = random.Uniform(-Degrees, Degrees) * Math.PI / 180, scale = random.Uniform(1 - Scale, 1 + Scale);
        double shear = random.Uniform(-Shear, Shear);
        double right = random.Uniform(-Shift, Shift) * size.Width, down = random.Uniform(-Shift, Shift) * size.Height;

        // The way back: from a pixel of the result to the point of the image that comes to lie there, x' = a x + b y + e, y' = c x + d y + f.
        double cos = Math.Cos(angle) / scale, sin = Math.Sin(angle) / scale;
        (double a, double b, double c, double d) = (cos + (shear * sin), sin - (shear * cos), -sin, cos);
        double middleX = (size.Width - 1) / 2.0, middleY = (size.Height - 1) / 2.0;
        double e = middleX - (a * (middleX + right)) - (b * (middleY + down)), f = middleY - (c * (middleX + right)) - (d * (middleY + down));
        Span<float> target = canvas.Target(size), pixels = canvas.Pixels;
        for (int y = 0; y < size.Height; y++)
        {
            for (int x = 0; x < size.Width; x++)
            {
                double fromX = (a * x) + (b * y) + e, fromY = (c * x) + (d * y) + f;
                double floorX = Math.Floor(fromX), floorY = Math.Floor(fromY);
                (int left, int top) = ((int)floorX, (int)floorY);
                (float partX, float partY) = ((float)(fromX - floorX), (float)(fromY - floorY));
                for (int k = 0; k < canvas.Channels; k++)
                {
                    ReadOnlySpan<float> plane = pixels.Slice(k * size.Area, size.Area);
                    float upper = At(plane, size, top, left) + (partX * (At(plane, size, top, left + 1) - At(plane, size, top, left)));
                    float lower = At(plane, size, top + 1, left) + (partX * (At(plane, size, top + 1, left + 1) - At(plane, size, top + 1, left)));
                    target[(k * size.Area) + (y * size.Width) + x] = upper + (partY * (lower - upper));
                }
            }
        }

        canvas.Commit();
    }

    private static float At(ReadOnlySpan<float> plane, ImageSize size, int y, int x) =>
        (uint)y < (uint)size.Height && (uint)x < (uint)size.Width ? plane[(y * size.Width) + x] : 0;
}
