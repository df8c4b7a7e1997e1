using Xunit;

namespace MambaExt.Kernels.Tests;

public unsafe class ChannelNormTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(700, 17)]
    [InlineData(1000, 64)]
    public void Statistics_equal_the_definition(int rows, int channels)
    {
        // A large mean shows whether the squares are centred.
        double[] x = [.. Compare.Random(new Random(1), rows * channels).Select((v, i) => v + (100 * (i % channels)))];
        foreach (int bits in CausalConv1dTests.Widths)
        {
            using NativeArray<double> input = NativeArray<double>.Of(x), mean = new(channels), variance = new(channels);
            ChannelNorm.Statistics(input.Pointer, rows, channels, mean.Pointer, variance.Pointer, new(2, bits));
            double[] wanted = [.. Enumerable.Range(0, channels).Select(c => Column(x, channels, c).Average())];
            Compare.Close(wanted, mean.ToDoubles(), 1e-12, "mean");
            Compare.Close([.. wanted.Select((m, c) => Column(x, channels, c).Average(v => (v - m) * (v - m)))], variance.ToDoubles(), 1e-12, "variance");
        }
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 0.3)]
    public void Forward_and_backward_are_each_elements_own(bool relu, double p)
    {
        const int Rows = 300, Channels = 45;
        var random = new Random(2);
        double[] x = Compare.Random(random, Rows * Channels), dy = Compare.Random(random, Rows * Channels);
        double[] scale = Compare.Random(random, Channels), shift = Compare.Random(random, Channels);
        var activation = new ChannelActivation(relu, p, 77);
        double[]? first = null;
        foreach (var (threads, bits) in new[] { (1, 256), (3, 256), (2, 128), (2, 512) })
        {
            using NativeArray<double> input = NativeArray<double>.Of(x), gradient = NativeArray<double>.Of(dy), s = NativeArray<double>.Of(scale), t = NativeArray<double>.Of(shift);
            using NativeArray<double> y = new(x.Length), g = new(x.Length), sums = new(2 * Channels), mask = new(x.Length), one = NativeArray<double>.Of([.. x.Select(_ => 1.0)]);
            ChannelNorm.Forward(one.Pointer, Rows, Channels, null, null, activation with { Relu = false }, mask.Pointer, new(threads, bits));
            ChannelNorm.Forward(input.Pointer, Rows, Channels, s.Pointer, t.Pointer, activation, y.Pointer, new(threads, bits));
            ChannelNorm.Backward(input.Pointer, gradient.Pointer, Rows, Channels, s.Pointer, t.Pointer, activation, g.Pointer, sums.Pointer, new(threads, bits));
            double[] drop = mask.ToDoubles(), wantedY = new double[x.Length], wantedG = new double[x.Length], wantedSums = new double[2 * Channels];
            for (int i = 0; i < x.Length; i++)
            {
                int c = i % Channels;
                double value = (scale[c] * x[i]) + shift[c];
                wantedY[i] = drop[i] * (relu ? Math.Max(0, value) : value);
                wantedG[i] = drop[i] * (relu && value <= 0 ? 0 : dy[i]);
                wantedSums[c] += wantedG[i];
                wantedSums[Channels + c] += wantedG[i] * x[i];
            }

            Compare.Close(wantedY, y.ToDoubles(), 1e-13, "y");
            Compare.Close(wantedG, g.ToDoubles(), 1e-13, "g");
            Compare.Close(wantedSums, sums.ToDoubles(), 1e-12, "sums");
            first ??= sums.ToDoubles();
            Compare.Same(first, sums.ToDoubles(), "sums at another number of threads or width");
        }
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Dropout_drops_its_share_and_seeds_and_neighbours_are_independent(double p)
    {
        const int Count = 1 << 18;
        double[] Mask(ulong seed)
        {
            using NativeArray<float> one = NativeArray<float>.Of([.. Enumerable.Repeat(1.0, Count)]), y = new(Count);
            ChannelNorm.Forward(one.Pointer, Count / 64, 64, null, null, new(false, p, seed), y.Pointer, new(1, 256));
            return y.ToDoubles();
        }

        double[] a = Mask(1), b = Mask(2), upper = Mask(1UL << 32);
        double deviation = Math.Sqrt(p * (1 - p) / Count);
        Assert.InRange(a.Count(v => v == 0) / (double)Count, p - (5 * deviation), p + (5 * deviation));
        Assert.All(a.Where(v => v != 0).Distinct(), v => Assert.Equal(1 / (1 - p), v, 4));
        foreach (double[] other in new[] { b, upper, [.. a[1..], a[0]], [.. a[64..], .. a[..64]] })
        {
            double both = a.Zip(other).Count(pair => pair.First == 0 && pair.Second == 0) / (double)Count;
            Assert.InRange(both, (p * p) - (6 * deviation), (p * p) + (6 * deviation));
        }
    }

    [Fact]
    public void What_is_no_number_goes_through()
    {
        using NativeArray<float> x = NativeArray<float>.Of([double.NaN, 1]), y = new(2);
        ChannelNorm.Forward(x.Pointer, 1, 2, null, null, new(true, 0, 0), y.Pointer, new(1, 256));
        Assert.True(float.IsNaN(y.Span[0]));
        Assert.Equal(1, y.Span[1]);
    }

    private static IEnumerable<double> Column(double[] x, int channels, int c) => Enumerable.Range(0, x.Length / channels).Select(r => x[(r * channels) + c]);
}
