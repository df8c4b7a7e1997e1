namespace MambaExt.Kernels.Tests;

/// <summary>One convolution with its inputs and cotangents, everything dense in double; null is absent.</summary>
internal sealed class ConvCase
{
    public required CausalConv1dShape Shape { get; init; }

    public required double[] X { get; init; }

    public required double[] Weight { get; init; }

    public double[]? Bias { get; init; }

    public double[]? Initial { get; init; }

    public int[]? SeqIdx { get; init; }

    public required double[] DOut { get; init; }

    public double[]? DFinal { get; init; }

    public static ConvCase Random(int seed, CausalConv1dShape shape, bool bias, bool initial, bool final, bool packed)
    {
        var random = new Random(seed);
        long rows = shape.Batch * shape.Length, states = shape.Batch * (shape.Width - 1) * shape.Channels;
        int id = 0;
        return new ConvCase
        {
            Shape = shape,
            X = Compare.Random(random, rows * shape.Channels),
            Weight = Compare.Random(random, shape.Channels * shape.Width),
            Bias = bias ? Compare.Random(random, shape.Channels) : null,
            Initial = initial ? Compare.Random(random, states) : null,
            SeqIdx = packed ? [.. Enumerable.Range(0, (int)rows).Select(_ => random.Next(4) == 0 ? ++id : id)] : null,
            DOut = Compare.Random(random, rows * shape.Channels),
            DFinal = final ? Compare.Random(random, states) : null,
        };
    }
}

/// <summary>Results of a convolution and of its gradients.</summary>
internal sealed record ConvResult(
    double[] Out, double[] Final, double[] DX, double[] DWeight, double[] DBias, double[] DInitial);

/// <summary>The definition, step by step and channel by channel; reverse by looking at time backwards.</summary>
internal static class CausalConv1dReference
{
    public static ConvResult Run(ConvCase c)
    {
        (long batch, long length, long channels, int width, bool silu, bool reverse) = c.Shape;
        long states = width - 1;
        var r = new ConvResult(
            new double[c.X.Length], new double[batch * states * channels], new double[c.X.Length],
            new double[c.Weight.Length], new double[channels], new double[batch * states * channels]);
        for (long b = 0; b < batch; b++)
        {
            for (long d = 0; d < channels; d++)
            {
                long At(long s) => s >= 0
                    ? (((b * length) + (reverse ? length - 1 - s : s)) * channels) + d
                    : (((b * states) + states + s) * channels) + d;
                double Input(long s) => s >= 0 ? c.X[At(s)] : c.Initial?[At(s)] ?? 0;
                void AddGradient(long s, double g) => (s >= 0 ? r.DX : r.DInitial)[At(s)] += g;

                bool Joined(long from, long to)
                {
                    for (long s = Math.Max(from, 0) + 1; c.SeqIdx is not null && s <= to; s++)
                    {
                        if (c.SeqIdx[(At(s) - d) / channels] != c.SeqIdx[(At(s - 1) - d) / channels])
                        {
                            return false;
                        }
                    }

                    return true;
                }

                for (long s = 0; s < length; s++)
                {
                    double sum = c.Bias?[d] ?? 0;
                    for (int k = 0; k < width; k++)
                    {
                        sum += Joined(s - states + k, s) ? c.Weight[(d * width) + k] * Input(s - states + k) : 0;
                    }

                    double sigmoid = 1 / (1 + Math.Exp(-sum));
                    r.Out[At(s)] = silu ? sum * sigmoid : sum;
                    double g = c.DOut[At(s)] * (silu ? sigmoid * (1 + (sum * (1 - sigmoid))) : 1);
                    r.DBias[d] += g;
                    for (int k = 0; k < width; k++)
                    {
                        if (Joined(s - states + k, s))
                        {
                            r.DWeight[(d * width) + k] += g * Input(s - states + k);
                            AddGradient(s - states + k, g * c.Weight[(d * width) + k]);
                        }
                    }
                }

                for (long j = 0; j < states; j++)
                {
                    long s = length - states + j;
                    r.Final[(((b * states) + j) * channels) + d] = Input(s);
                    AddGradient(s, c.DFinal?[(((b * states) + j) * channels) + d] ?? 0);
                }
            }
        }

        return r;
    }
}
