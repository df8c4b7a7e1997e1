using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Values of arcs and the gated mean by the CUDA kernels, emulated, against the definitions and the CPU kernels.</summary>
public sealed unsafe class CudaCsrSegmentsTests
{
    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(1, 1, 3)]
    [InlineData(7, 5, 30)]
    [InlineData(60, 200, 700)]
    [Trait("Emulator", "address")]
    public void Values_of_arcs_equal_the_definition(int rows, int columns, int arcs)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int channels in new[] { 1, 3, 32, 33, 65 })
        {
            string what = $"{rows} x {columns}, {arcs} arcs, {channels} channels";
            Check<double>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 1e-13, what);
            Check<float>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 2e-6, what);
            Check<BFloat16>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 1.0 / 128, what);
            Check<Half>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 1.0 / 1024, what);
        }
    }

    /// <summary>Rows of several pieces, their lengths around whole ones.</summary>
    [Theory]
    [InlineData(new[] { 512, 0, 513, 1, 0, 1024, 511, 1025, 2 })]
    [InlineData(new[] { 0, 0, 2048, 0, 0 })]
    [Trait("Emulator", "address")]
    public void Long_rows_are_worked_through_in_pieces(int[] lengths)
    {
        using EmulatedGpu gpu = Gpu();
        CsrCase c = CudaCsrSumTests.Rows(lengths, 5);
        Check<double>(gpu, c, 1e-13, "double");
        Check<float>(gpu, CudaCsrSumTests.Rows(lengths, 5), 1e-5, "float");
        double[][] here = Run<double>(gpu, c), there = CsrSegmentsTests.Run(c, new(1, 256));
        foreach (var (wanted, given) in there.Zip(here)) Compare.Close(wanted, given, 1e-13, "the CPU kernel");
    }

    [Theory]
    [InlineData(25, 20, 120)]
    [InlineData(3, 2, 0)]
    [InlineData(2, 3, 1700)]
    [Trait("Emulator", "address")]
    public void The_gated_mean_and_its_gradients_equal_the_definition(int rows, int columns, int arcs)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int channels in new[] { 1, 4, 33 })
        {
            Check<double, double>(1e-12);
            Check<float, float>(arcs > 512 ? 1e-5 : 2e-6);
            Check<BFloat16, float>(1.0 / 64);
            Check<Half, float>(1.0 / 512);

            void Check<T, TWide>(double tolerance)
                where T : unmanaged
                where TWide : unmanaged
            {
                var c = new CsrCase(channels + 1, rows, columns, arcs, channels);
                var random = new Random(9);
                double[] target = Compare.Random(random, rows * channels), source = Compare.Random(random, columns * channels);
                double[][] given = GatedMean<T, TWide>(gpu, c, target, source), wanted = CsrSegmentsTests.GatedMean(c, target, source);
                foreach (var (right, got) in wanted.Zip(given)) Compare.Close([1, .. right], [1, .. got], tolerance, $"{typeof(T).Name}, {arcs} arcs, {channels} channels");
                if (typeof(T) == typeof(double))
                {
                    foreach (var (right, got) in CsrSegmentsTests.GatedMean(c, target, source, new KernelOptions(1, 256)).Zip(given)) Compare.Close(right, got, 1e-12, "the CPU kernel");
                }
            }
        }
    }

    [Fact]
    public void Results_are_the_same_bits_in_whatever_order_blocks_run()
    {
        using EmulatedGpu gpu = Gpu(), reversed = Gpu(reverse: true);
        CsrCase c = CudaCsrSumTests.Rows([700, 3, 0, 1300, 40, 40], 7);
        double[] target = Compare.Random(new Random(1), 6 * 7), source = Compare.Random(new Random(2), 37 * 7);
        Same(Run<float>(gpu, c), Run<float>(reversed, c));
        Same(GatedMean<float, float>(gpu, c, target, source), GatedMean<float, float>(reversed, c, target, source));

        static void Same(double[][] one, double[][] other) => Assert.All(one.Index(), result => Compare.Same(result.Item, other[result.Index], $"result {result.Index}"));
    }

    [Fact]
    public void A_row_keeps_its_bits_whatever_rows_lie_before_it()
    {
        using EmulatedGpu gpu = Gpu();
        CsrCase with = CudaCsrSumTests.Rows([100, 1500], 6), alone = CudaCsrSumTests.Rows([1500], 6);
        with.X.CopyTo(alone.X, 0);
        with.DY.AsSpan(6).CopyTo(alone.DY);
        Array.Copy(with.Targets, 100, alone.Targets, 0, 1500);
        with.Gates.AsSpan(600).CopyTo(alone.Gates);
        double[][] both = Run<float>(gpu, with), one = Run<float>(gpu, alone);
        Compare.Same(both[1][6..], one[1], "the sum");
        Compare.Same(both[3][600..], one[3], "softmax");
        Compare.Same(both[4][600..], one[4], "its gradient");
    }

    [Fact]
    public void Softmax_is_safe_for_huge_values_and_for_those_that_are_masked()
    {
        using EmulatedGpu gpu = Gpu();
        using GpuArray<long> offsets = new(gpu, [0, 3, 3, 4]);
        using GpuArray<int> columns = new(gpu, [0, 1, 2, 0]);
        var rows = new CudaCsrRows(3, 3, 4, offsets.Pointer, columns.Pointer);
        using var values = GpuArray<float>.Of(gpu, [double.NegativeInfinity, 1e38, 3e38, -1e30]);
        using var workspace = new GpuArray<byte>(gpu, CudaCsrSegments.SoftmaxWorkspaceBytes<float>(rows, 1));
        CudaCsrSegments.Softmax(gpu, rows, values.Pointer, 1, values.Pointer, (nint)workspace.Pointer);
        Assert.Equal([0, 0, 1, 1], values.ToDoubles());

        // A piece of nothing but masked values, before one that is not.
        int[] targets = new int[600];
        double[] masked = [.. Enumerable.Range(0, 600).Select(i => i < 550 ? double.NegativeInfinity : 0.5)];
        using GpuArray<long> ends = new(gpu, [0, 600]);
        using GpuArray<int> all = new(gpu, targets);
        var row = new CudaCsrRows(1, 1, 600, ends.Pointer, all.Pointer);
        using var long_values = GpuArray<float>.Of(gpu, masked);
        using var more = new GpuArray<byte>(gpu, CudaCsrSegments.SoftmaxWorkspaceBytes<float>(row, 1));
        CudaCsrSegments.Softmax(gpu, row, long_values.Pointer, 1, long_values.Pointer, (nint)more.Pointer);
        Compare.Close([.. masked.Select(v => double.IsInfinity(v) ? 0 : 0.02)], long_values.ToDoubles(), 1e-6, "masked");
    }

    [Fact]
    public void Wrong_arguments_are_refused_as_on_the_CPU()
    {
        using EmulatedGpu gpu = Gpu();
        long* offsets = (long*)64;
        int* columns = (int*)64;
        float* values = (float*)64;
        void Refused(string part, Action action) => Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(action).Message);
        CudaCsrRows Good(long arcs = 3) => new(2, 5, arcs, offsets, columns);

        Refused("C is 0", () => CudaCsrSegments.Spread(gpu, Good(), values, values, 0, values));
        Refused("Values is null", () => CudaCsrSegments.Spread(gpu, Good(), values, null, 1, null));
        Refused("Y is null", () => CudaCsrSegments.Sum(gpu, Good(), values, 1, null, 0));
        Refused("workspace is null", () => CudaCsrSegments.Sum(gpu, Good(513), values, 1, values, 0));
        Refused("workspace is null", () => CudaCsrSegments.Softmax(gpu, Good(), values, 1, values, 0));
        Refused("Dp is null", () => CudaCsrSegments.SoftmaxGradient(gpu, Good(), values, null, 1, values, 64));
        Refused("belongs to the rows", () => CudaCsrGatedMean.Forward(gpu, Good(), null, values, values, 1, values, values, 0));
        Refused("is gathered", () => CudaCsrGatedMean.Forward(gpu, Good(), values, values, null, 1, values, values, 0));
        Refused("workspace is null", () => CudaCsrGatedMean.Forward(gpu, Good(513), values, values, values, 1, values, values, 0));
        Refused("Int32", () => CudaCsrSegments.Spread(gpu, Good(), (int*)values, null, 1, (int*)values));
    }

    private static void Check<T>(EmulatedGpu gpu, CsrCase c, double tolerance, string what)
        where T : unmanaged
    {
        double[][] given = Run<T>(gpu, c);
        double[][] wanted = [CsrSegmentsTests.Spread(c), CsrSegmentsTests.Sum(c, false), CsrSegmentsTests.Sum(c, true), CsrSegmentsTests.Softmax(c), CsrSegmentsTests.SoftmaxGradient(c)];
        for (int i = 0; i < wanted.Length; i++)
        {
            // A sum may cancel: the arcs are of the order of 1.
            Compare.Close([1, .. wanted[i]], [1, .. given[i]], tolerance, $"{typeof(T).Name}, {what}, result {i}");
        }
    }

    /// <summary>Spread, sums both ways, softmax and its gradient.</summary>
    private static double[][] Run<T>(EmulatedGpu gpu, CsrCase c)
        where T : unmanaged
    {
        int channels = c.Channels;
        using var graph = new GpuGraph(gpu, c);
        using GpuArray<T> x = CudaCsrRunner.Rounded<T>(gpu, c.X), dy = CudaCsrRunner.Rounded<T>(gpu, c.DY), gates = CudaCsrRunner.Rounded<T>(gpu, c.Gates);
        using GpuArray<T> spread = new(gpu, c.Gates.Length), sum = new(gpu, c.DY.Length), back = new(gpu, c.X.Length), p = new(gpu, c.Gates.Length), dp = new(gpu, c.Gates.Length);
        using GpuArray<byte> one = Space(CudaCsrSegments.SumWorkspaceBytes<T>(graph.Rows, channels)), two = Space(CudaCsrSegments.SumWorkspaceBytes<T>(graph.Transposed, channels));
        using GpuArray<byte> three = Space(CudaCsrSegments.SoftmaxWorkspaceBytes<T>(graph.Rows, channels));
        CudaCsrSegments.Spread(gpu, graph.Rows, dy.Pointer, x.Pointer, channels, spread.Pointer);
        CudaCsrSegments.Sum(gpu, graph.Rows, gates.Pointer, channels, sum.Pointer, (nint)one.Pointer);
        CudaCsrSegments.Sum(gpu, graph.Transposed, gates.Pointer, channels, back.Pointer, (nint)two.Pointer);
        CudaCsrSegments.Softmax(gpu, graph.Rows, gates.Pointer, channels, p.Pointer, (nint)three.Pointer);
        CudaCsrSegments.SoftmaxGradient(gpu, graph.Rows, p.Pointer, spread.Pointer, channels, dp.Pointer, (nint)three.Pointer);
        return [spread.ToDoubles(), sum.ToDoubles(), back.ToDoubles(), p.ToDoubles(), dp.ToDoubles()];

        GpuArray<byte> Space(long bytes) => new(gpu, bytes);
    }

    /// <summary>y, dtarget, dsource and dx. The case's numbers are rounded to T.</summary>
    private static double[][] GatedMean<T, TWide>(EmulatedGpu gpu, CsrCase c, double[] target, double[] source)
        where T : unmanaged
        where TWide : unmanaged
    {
        int channels = c.Channels;
        using var graph = new GpuGraph(gpu, c);
        using GpuArray<T> x = CudaCsrRunner.Rounded<T>(gpu, c.X), a = CudaCsrRunner.Rounded<T>(gpu, target), b = CudaCsrRunner.Rounded<T>(gpu, source);
        using GpuArray<T> y = new(gpu, c.DY.Length), dtarget = new(gpu, c.DY.Length), dsource = new(gpu, c.X.Length), dx = new(gpu, c.X.Length);
        using var divisor = new GpuArray<TWide>(gpu, c.DY.Length);
        using GpuArray<byte> space = new(gpu, CudaCsrGatedMean.WorkspaceBytes<T>(graph.Rows, channels));
        CudaCsrGatedMean.Forward(gpu, graph.Rows, a.Pointer, b.Pointer, x.Pointer, channels, y.Pointer, (T*)divisor.Pointer, (nint)space.Pointer);
        using GpuArray<TWide> share = GpuArray<TWide>.Of(gpu, [.. c.DY.Zip(divisor.ToDoubles(), (g, d) => g / d)]);
        CudaCsrGatedMean.Backward(
            gpu, graph.Rows, graph.Transposed, a.Pointer, b.Pointer, x.Pointer, y.Pointer, (T*)share.Pointer, channels, dtarget.Pointer, dsource.Pointer, dx.Pointer, (nint)space.Pointer);
        return [y.ToDoubles(), dtarget.ToDoubles(), dsource.ToDoubles(), dx.ToDoubles()];
    }

    private static EmulatedGpu Gpu(bool reverse = false)
    {
        EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.CsrSegments, CudaCsrSegments.Instances, reverse);
        gpu.Declare(KernelSource.CsrGatedMean, CudaCsrGatedMean.Instances);
        return gpu;
    }
}
