using System.Numerics;

namespace MambaExt.Vision.Transforms;

/// <summary>Arithmetic on rows of pixels, a vector at a time; each value is computed alone, so the width of the vectors changes no bit.</summary>
internal static class PlaneMath
{
    /// <summary>x = clamp(x * <paramref name="factor"/> + <paramref name="offset"/>, 0, 1).</summary>
    public static void ScaleClamped(Span<float> x, float factor, float offset)
    {
        int i = 0;
        Vector<float> f = new(factor), o = new(offset);
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Span<float> at = x[i..];
            Vector.Min(Vector.Max((new Vector<float>(at) * f) + o, Vector<float>.Zero), Vector<float>.One).CopyTo(at);
        }

        for (; i < x.Length; i++)
        {
            x[i] = Math.Min(Math.Max((x[i] * factor) + offset, 0f), 1f);
        }
    }

    /// <summary>x = clamp(x * <paramref name="factor"/> + gray * (1 - factor), 0, 1) in all three channels.</summary>
    public static void BlendWithGray(Span<float> red, Span<float> green, Span<float> blue, float factor)
    {
        int i = 0;
        Vector<float> f = new(factor), rest = new(1 - factor);
        for (; i <= red.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> r = new(red[i..]), g = new(green[i..]), b = new(blue[i..]);
            Vector<float> gray = ((r * Gray.Red) + (g * Gray.Green) + (b * Gray.Blue)) * rest;
            Vector.Min(Vector.Max((r * f) + gray, Vector<float>.Zero), Vector<float>.One).CopyTo(red[i..]);
            Vector.Min(Vector.Max((g * f) + gray, Vector<float>.Zero), Vector<float>.One).CopyTo(green[i..]);
            Vector.Min(Vector.Max((b * f) + gray, Vector<float>.Zero), Vector<float>.One).CopyTo(blue[i..]);
        }

        for (; i < red.Length; i++)
        {
            float gray = ((red[i] * Gray.Red) + (green[i] * Gray.Green) + (blue[i] * Gray.Blue)) * (1 - factor);
            red[i] = Math.Min(Math.Max((red[i] * factor) + gray, 0f), 1f);
            green[i] = Math.Min(Math.Max((green[i] * factor) + gray, 0f), 1f);
            blue[i] = Math.Min(Math.Max((blue[i] * factor) + gray, 0f), 1f);
        }
    }

    /// <summary>to = (x - mean) / deviation.</summary>
    public static void Normalize(ReadOnlySpan<float> x, Span<float> to, float mean, float deviation)
    {
        int i = 0;
        Vector<float> m = new(mean), d = new(deviation);
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            ((new Vector<float>(x[i..]) - m) / d).CopyTo(to[i..]);
        }

        for (; i < x.Length; i++)
        {
            to[i] = (x[i] - mean) / deviation;
        }
    }

    /// <summary>to = to + x * weight.</summary>
    public static void AddScaled(ReadOnlySpan<float> x, Span<float> to, float weight)
    {
        int i = 0;
        Vector<float> w = new(weight);
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(to[i..]) + (new Vector<float>(x[i..]) * w)).CopyTo(to[i..]);
        }

        for (; i < x.Length; i++)
        {
            to[i] += x[i] * weight;
        }
    }

    /// <summary>to = x * weight.</summary>
    public static void Scaled(ReadOnlySpan<float> x, Span<float> to, float weight)
    {
        int i = 0;
        Vector<float> w = new(weight);
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(x[i..]) * w).CopyTo(to[i..]);
        }

        for (; i < x.Length; i++)
        {
            to[i] = x[i] * weight;
        }
    }

    /// <summary>The mean, summed in four double-precision parts, in the same order on every machine.</summary>
    public static double Mean(ReadOnlySpan<float> x)
    {
        double a = 0, b = 0, c = 0, d = 0;
        int i = 0;
        for (; i <= x.Length - 4; i += 4)
        {
            (a, b, c, d) = (a + x[i], b + x[i + 1], c + x[i + 2], d + x[i + 3]);
        }

        for (; i < x.Length; i++)
        {
            a += x[i];
        }

        return (a + b + c + d) / x.Length;
    }
}

/// <summary>What red, green and blue count for in the brightness of a pixel (ITU-R BT.601, rounded as torchvision rounds them).</summary>
internal static class Gray
{
    public const float Red = 0.2989f, Green = 0.587f, Blue = 0.114f;
}
