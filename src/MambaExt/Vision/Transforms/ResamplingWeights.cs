namespace MambaExt.Vision.Transforms;

/// <summary>For each output position the first input position that counts and the weights from there on, summing to 1.</summary>
internal readonly struct ResamplingWeights
{
    private readonly int _width;
    private readonly int[] _first, _count;
    private readonly float[] _weights;

    /// <summary>From <paramref name="input"/> positions to <paramref name="output"/>.</summary>
    public ResamplingWeights(int input, int output, Interpolation kind)
    {
        double ratio = (double)input / output, widening = Math.Max(1, ratio);
        double support = widening * kind switch { Interpolation.Bilinear => 1, Interpolation.Bicubic => 2, _ => 0.5 };
        _width = Math.Min((int)Math.Ceiling(2 * support) + 2, input);
        (_first, _count, _weights) = (new int[output], new int[output], new float[output * _width]);
        Span<double> row = _width <= 64 ? stackalloc double[64] : new double[_width];
        for (int o = 0; o < output; o++)
        {
            double center = (o + 0.5) * ratio, sum = 0;
            int first = Math.Max(0, (int)Math.Floor(center - support)), end = Math.Min(Math.Min(input, (int)Math.Ceiling(center + support)), first + _width);
            for (int i = first; i < end; i++)
            {
                sum += row[i - first] = Kernel((i + 0.5 - center) / widening, kind);
            }

            for (int i = first; i < end; i++)
            {
                _weights[(o * _width) + i - first] = (float)(row[i - first] / sum);
            }

            (_first[o], _count[o]) = (first, end - first);
        }
    }

    /// <summary>The first input position that counts.</summary>
    public int First(int output) => _first[output];

    /// <summary>The weights from there on.</summary>
    public ReadOnlySpan<float> Of(int output) => _weights.AsSpan(output * _width, _count[output]);

    private static double Kernel(double x, Interpolation kind)
    {
        const double a = -0.5;
        if (kind == Interpolation.Box)
        {
            return x is > -0.5 and <= 0.5 ? 1 : 0;
        }

        x = Math.Abs(x);
        return kind == Interpolation.Bilinear ? Math.Max(0, 1 - x)
            : x < 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1
            : x < 2 ? a * (((((x - 5) * x) + 8) * x) - 4)
            : 0;
    }
}
