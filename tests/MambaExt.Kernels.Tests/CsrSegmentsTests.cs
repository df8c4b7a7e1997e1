using Xunit;

namespace MambaExt.Kernels.Tests;

public unsafe class CsrSegmentsTests
{
    private static readonly int[] Channels = [1, 3, 4, 8, 9, 16, 17, 33];

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(7, 5, 30)]
    [InlineData(60, 200, 1000)]
    public void Spread_sum_and_softmax_equal_the_definition(int rows, int columns, int arcs)
    {
        foreach (int channels in Channels)
        {
            var c = new CsrCase(channels, rows, columns, arcs, channels);
            foreach (int bits in CausalConv1dTests.Widths)
            {
                string what = $"{rows} x {columns}, {arcs} arcs, {channels} channels, {bits} bits";
                double[][] given = Run(c, new(2, bits));
                double[][] wanted = [Spread(c), Sum(c, false), Sum(c, true), Softmax(c), SoftmaxGradient(c)];
                for (int i = 0; i < wanted.Length; i++)
                {
                    Compare.Close(wanted[i], given[i], 1e-13, $"{what}, result {i}");
                }
            }
        }
    }

    [Fact]
    public void Softmax_is_safe_for_huge_values_and_sums_to_one()
    {
        using var offsets = new NativeArray<long>([0L, 3, 3, 4]);
        using var targets = new NativeArray<int>([0, 1, 2, 0]);
        using var values = NativeArray<float>.Of([3e38, 1e38, -3e38, -1e30]);
        using var p = new NativeArray<float>(4);
        CsrSegments.Softmax(new CsrRows(3, 3, offsets.Pointer, targets.Pointer), values.Pointer, 1, p.Pointer, new(1, 256));
        Assert.Equal(1, p.Span[0] + p.Span[1] + p.Span[2], 6);
        Assert.Equal([1f, 1f], [p.Span[0], p.Span[3]]);
    }

    [Fact]
    public void Results_are_the_same_bits_at_any_number_of_threads_and_any_width()
    {
        var c = new CsrCase(1, 3000, 2000, 40_000, 13);
        double[][] one = Run(c, new(1, 256));
        foreach (var (threads, bits) in new[] { (2, 256), (5, 256), (2, 128), (2, 512) })
        {
            double[][] other = Run(c, new(threads, bits));
            for (int i = 0; i < one.Length; i++)
            {
                Compare.Same(one[i], other[i], $"result {i}");
            }
        }
    }

    [Theory]
    [InlineData(2, 16)]
    [InlineData(4, 12)]
    [InlineData(3, 51)]
    [InlineData(1, 33)]
    public void Weights_of_several_heads_are_weights_of_their_channels(int heads, int channels)
    {
        var c = new CsrCase(5, 40, 30, 300, channels);
        var random = new Random(heads);
        double[] weights = Compare.Random(random, 300 * heads);
        int width = channels / heads;
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        var rows = new CsrRows(40, 30, offsets.Pointer, targets.Pointer);
        using var transpose = new CsrTranspose(rows);
        using NativeArray<double> x = NativeArray<double>.Of(c.X), dy = NativeArray<double>.Of(c.DY), w = NativeArray<double>.Of(weights);
        double Factor(int e, int channel) => weights[(e * heads) + (channel / width)];
        foreach (int bits in CausalConv1dTests.Widths)
        {
            using NativeArray<double> y = new(40 * channels), dx = new(30 * channels), dw = new(300 * heads);
            CsrSum.Weighted(rows, x.Pointer, channels, w.Pointer, y.Pointer, new(2, bits), heads);
            CsrSum.Weighted(transpose.Rows, dy.Pointer, channels, w.Pointer, dx.Pointer, new(2, bits), heads);
            CsrSum.WeightGradient(rows, x.Pointer, dy.Pointer, channels, dw.Pointer, new(2, bits), heads);
            Compare.Close(c.Sum(Factor, false), y.ToDoubles(), 1e-13, "y");
            Compare.Close(c.Sum(Factor, true), dx.ToDoubles(), 1e-13, "dx");
            double[] gates = c.GateGradient();
            double[] wanted = [.. Enumerable.Range(0, 300 * heads).Select(i => Enumerable.Range(0, width).Sum(k => gates[((i / heads) * channels) + ((i % heads) * width) + k]))];
            Compare.Close(wanted, dw.ToDoubles(), 1e-13, "dweights");
        }
    }

    [Fact]
    public void Heads_that_do_not_divide_the_channels_are_refused()
    {
        using var offsets = new NativeArray<long>([0L, 0]);
        long* from = offsets.Pointer;
        Assert.Contains("divisor", Assert.Throws<ArgumentException>(() => CsrSum.Weighted(new CsrRows(1, 1, from, null), (float*)null, 7, null, null, new(1, 256), heads: 2)).Message);
    }

    [Fact]
    public void The_gated_mean_and_its_gradients_equal_the_definition()
    {
        foreach (int channels in Channels)
        {
            var c = new CsrCase(channels + 1, 25, 20, 120, channels);
            var random = new Random(9);
            double[] target = Compare.Random(random, 25 * channels), source = Compare.Random(random, 20 * channels);
            double[][] wanted = GatedMean(c, target, source);
            foreach (int bits in CausalConv1dTests.Widths)
            {
                double[][] given = GatedMean(c, target, source, new(2, bits));
                for (int i = 0; i < wanted.Length; i++)
                {
                    Compare.Close(wanted[i], given[i], 1e-12, $"{channels} channels, {bits} bits, result {i}");
                }
            }
        }
    }

    internal static double[][] Run(CsrCase c, KernelOptions options)
    {
        int channels = c.Channels;
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        var rows = new CsrRows(c.Rows, c.Columns, offsets.Pointer, targets.Pointer);
        using var transpose = new CsrTranspose(rows);
        using NativeArray<double> x = NativeArray<double>.Of(c.X), dy = NativeArray<double>.Of(c.DY), gates = NativeArray<double>.Of(c.Gates);
        using NativeArray<double> spread = new(c.Gates.Length), sum = new(c.DY.Length), back = new(c.X.Length), p = new(c.Gates.Length), dp = new(c.Gates.Length);
        CsrSegments.Spread(rows, dy.Pointer, x.Pointer, channels, spread.Pointer, options);
        CsrSegments.Sum(rows, gates.Pointer, channels, sum.Pointer, options);
        CsrSegments.Sum(transpose.Rows, gates.Pointer, channels, back.Pointer, options);
        CsrSegments.Softmax(rows, gates.Pointer, channels, p.Pointer, options);
        CsrSegments.SoftmaxGradient(rows, p.Pointer, spread.Pointer, channels, dp.Pointer, options);
        return [spread.ToDoubles(), sum.ToDoubles(), back.ToDoubles(), p.ToDoubles(), dp.ToDoubles()];
    }

    internal static double[] Spread(CsrCase c) => [.. Enumerable.Range(0, c.Gates.Length).Select(i =>
        c.DY[(c.Sources[i / c.Channels] * c.Channels) + (i % c.Channels)] + c.X[(c.Targets[i / c.Channels] * c.Channels) + (i % c.Channels)])];

    internal static double[] Sum(CsrCase c, bool transposed)
    {
        var result = new double[(transposed ? c.Columns : c.Rows) * c.Channels];
        for (int i = 0; i < c.Gates.Length; i++)
        {
            result[((transposed ? c.Targets : c.Sources)[i / c.Channels] * c.Channels) + (i % c.Channels)] += c.Gates[i];
        }

        return result;
    }

    internal static double[] Softmax(CsrCase c)
    {
        double[] exp = [.. c.Gates.Select(Math.Exp)], sums = new double[c.Rows * c.Channels];
        for (int i = 0; i < exp.Length; i++)
        {
            sums[(c.Sources[i / c.Channels] * c.Channels) + (i % c.Channels)] += exp[i];
        }

        return [.. exp.Select((e, i) => e / sums[(c.Sources[i / c.Channels] * c.Channels) + (i % c.Channels)])];
    }

    internal static double[] SoftmaxGradient(CsrCase c)
    {
        double[] p = Softmax(c), dp = Spread(c), sums = new double[c.Rows * c.Channels];
        for (int i = 0; i < p.Length; i++)
        {
            sums[(c.Sources[i / c.Channels] * c.Channels) + (i % c.Channels)] += p[i] * dp[i];
        }

        return [.. p.Select((value, i) => value * (dp[i] - sums[(c.Sources[i / c.Channels] * c.Channels) + (i % c.Channels)]))];
    }

    /// <summary>y, dtarget, dsource and dx arc by arc.</summary>
    internal static double[][] GatedMean(CsrCase c, double[] target, double[] source)
    {
        int channels = c.Channels;
        double[] sum = new double[c.DY.Length], gates = new double[c.DY.Length], y = new double[c.DY.Length], dtarget = new double[c.DY.Length];
        double[] dsource = new double[c.X.Length], dx = new double[c.X.Length];
        void Arcs(Action<int, int, double> each)
        {
            for (int i = 0; i < c.Targets.Length * channels; i++)
            {
                int to = (c.Sources[i / channels] * channels) + (i % channels), from = (c.Targets[i / channels] * channels) + (i % channels);
                each(to, from, 1 / (1 + Math.Exp(-target[to] - source[from])));
            }
        }

        Arcs((to, from, gate) =>
        {
            sum[to] += gate * c.X[from];
            gates[to] += gate;
        });
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = sum[i] / (gates[i] + 1e-6);
        }

        Arcs((to, from, gate) =>
        {
            double share = c.DY[to] / (gates[to] + 1e-6), inner = share * (c.X[from] - y[to]) * gate * (1 - gate);
            dtarget[to] += inner;
            dsource[from] += inner;
            dx[from] += share * gate;
        });
        return [y, dtarget, dsource, dx];
    }

    internal static double[][] GatedMean(CsrCase c, double[] target, double[] source, KernelOptions options)
    {
        int channels = c.Channels;
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        var rows = new CsrRows(c.Rows, c.Columns, offsets.Pointer, targets.Pointer);
        using var transpose = new CsrTranspose(rows);
        using NativeArray<double> x = NativeArray<double>.Of(c.X), a = NativeArray<double>.Of(target), b = NativeArray<double>.Of(source);
        using NativeArray<double> y = new(c.DY.Length), divisor = new(c.DY.Length), dtarget = new(c.DY.Length), dsource = new(c.X.Length), dx = new(c.X.Length);
        CsrGatedMean.Forward(rows, a.Pointer, b.Pointer, x.Pointer, channels, y.Pointer, divisor.Pointer, options);
        using NativeArray<double> share = NativeArray<double>.Of([.. c.DY.Zip(divisor.ToDoubles(), (g, d) => g / d)]);
        CsrGatedMean.Backward(
            rows, transpose.Rows, a.Pointer, b.Pointer, x.Pointer, y.Pointer, share.Pointer, channels, dtarget.Pointer, dsource.Pointer, dx.Pointer, options);
        return [y.ToDoubles(), dtarget.ToDoubles(), dsource.ToDoubles(), dx.ToDoubles()];
    }
}
