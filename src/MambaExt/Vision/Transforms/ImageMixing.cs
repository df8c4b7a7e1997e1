using MambaExt.Data.Images;
using static System.FormattableString;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Mixes a view with one of another image: mixup (Zhang et al. 2018), l x + (1 - l) x', or CutMix (Yun et al. 2019), a rectangle of x' in x that leaves the part l
/// of it. The label counts l and the partner's 1 - l. Partner, kind and l belong to (seed, sample, draw), not to the batch: the mixed view is as good a
/// numbered draw as any other, and logits of it can be kept.
/// </summary>
/// <param name="Mixup">Probability of mixup.</param>
/// <param name="MixupAlpha">l is of Beta(alpha, alpha).</param>
/// <param name="Cutmix">Probability of CutMix; the rest stays as it is.</param>
/// <param name="CutmixAlpha">l, before the rectangle is clipped and rounded, is of Beta(alpha, alpha).</param>
public sealed record ImageMixing(double Mixup = 0, double MixupAlpha = 1, double Cutmix = 0, double CutmixAlpha = 1)
{
    /// <summary>Stable words.</summary>
    public string Fingerprint => Invariant($"mix(mixup {Mixup} alpha {MixupAlpha}, cutmix {Cutmix} alpha {CutmixAlpha})");

    internal void Check()
    {
        if (!(Mixup >= 0 && Cutmix >= 0 && Mixup + Cutmix <= 1 + 1e-9 && MixupAlpha > 0 && CutmixAlpha > 0))
        {
            throw new ArgumentException(Invariant(
                $"Mixup {Mixup} (alpha {MixupAlpha}) and CutMix {Cutmix} (alpha {CutmixAlpha}) were asked for; the probabilities are 0 or more and at most 1 together, and alphas are above 0."));
        }
    }

    /// <summary>What is drawn for one view: whom it is mixed with, and how.</summary>
    internal Drawn Draw(ulong seed, int sample, int draw, int partners, ImageSize size)
    {
        var random = new TransformRandom(seed, sample, draw, 0, RandomStream.Mixing);
        double kind = random.Uniform();
        int partner = random.Below(partners);
        if (kind < Mixup)
        {
            return new Drawn(partner, (float)random.Beta(MixupAlpha), null);
        }

        if (kind >= Mixup + Cutmix)
        {
            return new Drawn(partner, 1, null);
        }

        double side = Math.Sqrt(1 - random.Beta(CutmixAlpha));
        int height = (int)(size.Height * side), width = (int)(size.Width * side), y = random.Below(size.Height), x = random.Below(size.Width);
        int top = Math.Max(0, y - (height / 2)), bottom = Math.Min(size.Height, y + (height / 2));
        int left = Math.Max(0, x - (width / 2)), right = Math.Min(size.Width, x + (width / 2));
        return new Drawn(partner, (float)(1 - ((double)(bottom - top) * (right - left) / size.Area)), (top, left, bottom, right));
    }

    /// <summary>Mixes two views of one size.</summary>
    internal static void Apply(ImageCanvas image, ImageCanvas partner, Drawn drawn)
    {
        Span<float> pixels = image.Pixels;
        ReadOnlySpan<float> others = partner.Pixels;
        if (drawn.Box is not { } box)
        {
            PlaneMath.Scaled(pixels, pixels, drawn.Weight);
            PlaneMath.AddScaled(others, pixels, 1 - drawn.Weight);
            return;
        }

        for (int c = 0; c < image.Channels; c++)
        {
            for (int y = box.Top; y < box.Bottom; y++)
            {
                int row = (c * image.Size.Area) + (y * image.Size.Width) + box.Left;
                others.Slice(row, box.Right - box.Left).CopyTo(pixels[row..]);
            }
        }
    }

    /// <param name="Partner">Position in the list of those that one may be mixed with.</param>
    /// <param name="Weight">l; 1 where nothing is mixed.</param>
    /// <param name="Box">What CutMix replaces; null for mixup.</param>
    internal readonly record struct Drawn(int Partner, float Weight, (int Top, int Left, int Bottom, int Right)? Box);
}
