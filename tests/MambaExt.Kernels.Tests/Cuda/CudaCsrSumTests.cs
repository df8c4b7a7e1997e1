using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The CUDA sums over rows, emulated, against the definition and the CPU kernel.</summary>
public sealed class CudaCsrSumTests
{
    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(1, 1, 3)]
    [InlineData(7, 5, 30)]
    [InlineData(60, 200, 999)]
    [Trait("Emulator", "address")]
    public void Sums_and_gradients_equal_the_definition(int rows, int columns, int arcs)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int channels in new[] { 1, 2, 5, 31, 32, 33, 64, 130, 257 })
        {
            string what = $"{rows} x {columns}, {arcs} arcs, {channels} channels";
            AssertClose<double>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 1e-14, what);
            AssertClose<float>(gpu, new CsrCase(channels, rows, columns, arcs, channels), 2e-6, what);
            AssertClose<BFloat16>(gpu, new CsrCase(channels, rows, columns, arcs, channels), (1.0 / 256) + 2e-6, what);
            AssertClose<Half>(gpu, new CsrCase(channels, rows, columns, arcs, channels), (1.0 / 2048) + 2e-6, what);
        }
    }

    /// <summary>Lengths around whole pieces, between empty and short rows, so that pieces begin everywhere in a window.</summary>
    [Theory]
    [InlineData(new[] { 512, 0, 513, 1, 0, 1024, 511, 1025, 2, 1600 })]
    [InlineData(new[] { 0, 0, 2048, 0, 0 })]
    [InlineData(new[] { 1, 511, 512, 600, 700, 5, 5, 5, 5000, 0 })]
    [Trait("Emulator", "address")]
    public void Long_rows_are_summed_in_pieces(int[] lengths)
    {
        using EmulatedGpu gpu = Gpu();
        foreach (int channels in new[] { 3, 40 })
        {
            CsrCase c = Rows(lengths, channels);
            CsrResult actual = CudaCsrRunner.Run<double>(gpu, c);
            AssertClose(CsrSumTests.Reference(c), actual, 1e-13, $"{channels} channels");
            AssertClose(CsrRunner.Run<double>(c, new(1, 256)), actual, 1e-13, "the CPU kernel");
            AssertClose(CsrSumTests.Reference(c), CudaCsrRunner.Run<float>(gpu, c), 1e-5, $"{channels} channels, float");
        }
    }

    [Fact]
    public void Results_are_the_same_bits_in_whatever_order_blocks_run()
    {
        using EmulatedGpu gpu = Gpu(), reversed = EmulatedGpu.Require(KernelSource.CsrSum, CudaCsrSum.Instances, reverse: true);
        CsrCase c = Rows([700, 3, 0, 1300, 40, 40], 45);
        AssertSame(CudaCsrRunner.Run<float>(gpu, c), CudaCsrRunner.Run<float>(reversed, c));
    }

    [Fact]
    public void A_row_keeps_its_bits_whatever_rows_lie_before_it()
    {
        using EmulatedGpu gpu = Gpu();
        CsrCase with = Rows([100, 1500], 20), alone = Rows([1500], 20);
        with.X.CopyTo(alone.X, 0);
        Array.Copy(with.Targets, 100, alone.Targets, 0, 1500);
        Assert.Equal(with.Columns, alone.Columns);
        Compare.Same(CudaCsrRunner.Run<float>(gpu, with).Plain[20..], CudaCsrRunner.Run<float>(gpu, alone).Plain, "the long row");
    }

    [Theory]
    [InlineData(2, 16, new[] { 5, 0, 40 })]
    [InlineData(4, 12, new[] { 3, 3, 3 })]
    [InlineData(3, 51, new[] { 600, 2, 0, 513 })]
    [InlineData(1, 33, new[] { 600, 1 })]
    [InlineData(2, 260, new[] { 7, 1 })]
    [Trait("Emulator", "address")]
    public void Weights_of_several_heads_are_weights_of_their_channels(int heads, int channels, int[] lengths)
    {
        using EmulatedGpu gpu = Gpu();
        Check<double>(1e-13);
        Check<float>(1e-5);
        Check<Half>(1.0 / 2048 + 1e-5);

        unsafe void Check<T>(double tolerance)
            where T : unmanaged
        {
            CsrCase c = Rows(lengths, channels);
            int arcs = lengths.Sum(), width = channels / heads;
            double[] weights = Compare.Random(new Random(heads), arcs * heads);
            using var graph = new GpuGraph(gpu, c);
            using GpuArray<T> x = CudaCsrRunner.Rounded<T>(gpu, c.X), dy = CudaCsrRunner.Rounded<T>(gpu, c.DY), w = CudaCsrRunner.Rounded<T>(gpu, weights);
            using GpuArray<T> y = new(gpu, c.DY.Length), dx = new(gpu, c.X.Length), dw = new(gpu, arcs * heads);
            using GpuArray<byte> workspace = new(gpu, CudaCsrSum.WorkspaceBytes<T>(graph.Rows, channels)), back = new(gpu, CudaCsrSum.WorkspaceBytes<T>(graph.Transposed, channels));
            CudaCsrSum.Weighted(gpu, graph.Rows, x.Pointer, channels, w.Pointer, y.Pointer, (nint)workspace.Pointer, heads: heads);
            CudaCsrSum.Weighted(gpu, graph.Transposed, dy.Pointer, channels, w.Pointer, dx.Pointer, (nint)back.Pointer, heads: heads);
            CudaCsrSum.WeightGradient(gpu, graph.Rows, x.Pointer, dy.Pointer, channels, dw.Pointer, heads: heads);
            double Factor(int e, int channel) => weights[(e * heads) + (channel / width)];
            double[] gates = c.GateGradient();
            double[] wanted = [.. Enumerable.Range(0, arcs * heads).Select(i => Enumerable.Range(0, width).Sum(k => gates[((i / heads) * channels) + ((i % heads) * width) + k]))];
            Compare.Close([1, .. c.Sum(Factor, false)], [1, .. y.ToDoubles()], tolerance, "y");
            Compare.Close([1, .. c.Sum(Factor, true)], [1, .. dx.ToDoubles()], tolerance, "dx");
            Compare.Close([1, .. wanted], [1, .. dw.ToDoubles()], tolerance, "dweights");
        }
    }

    [Fact]
    public void Gradients_over_the_transpose_land_on_the_original_arcs()
    {
        using EmulatedGpu gpu = Gpu();
        var c = new CsrCase(3, rows: 30, columns: 20, arcs: 100, channels: 11);
        CsrResult straight = CudaCsrRunner.Run<double>(gpu, c);
        (double[] weights, double[] gates) = CudaCsrRunner.ArcGradientsOverTranspose<double>(gpu, c);
        Compare.Same(straight.DWeights, weights, "dweights");
        Compare.Same(straight.DGates, gates, "dgates");
    }

    [Fact]
    public unsafe void Sparse_features_and_their_gradient_are_weighted_sums()
    {
        using EmulatedGpu gpu = Gpu();
        var c = new CsrCase(6, rows: 20, columns: 30, arcs: 90, channels: 33);
        using var graph = new GpuGraph(gpu, c);
        using GpuArray<float> values = GpuArray<float>.Of(gpu, c.Weights), weight = GpuArray<float>.Of(gpu, c.X), dy = GpuArray<float>.Of(gpu, c.DY);
        using GpuArray<float> y = new(gpu, c.DY.Length), dweight = new(gpu, c.X.Length);
        CudaSparseFeatures.Forward(gpu, graph.Rows, values.Pointer, weight.Pointer, 33, y.Pointer, 0);
        CudaSparseFeatures.WeightGradient(gpu, graph.Transposed, values.Pointer, dy.Pointer, 33, dweight.Pointer, 0);
        Compare.Close(c.Sum((e, _) => c.Weights[e], false), y.ToDoubles(), 2e-6, "y");
        Compare.Close(c.Sum((e, _) => c.Weights[e], true), dweight.ToDoubles(), 2e-6, "dweight");
    }

    [Fact]
    public unsafe void Wrong_arguments_are_refused_as_on_the_CPU()
    {
        using EmulatedGpu gpu = Gpu();
        long* offsets = (long*)64;
        int* columns = (int*)64;
        float* values = (float*)64;
        void Refused(string part, Action action) => Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(action).Message);
        CudaCsrRows Good(long arcs = 3) => new(2, 5, arcs, offsets, columns);

        Refused("both are 0 or more", () => _ = new CudaCsrRows(-1, 2, 0, offsets, columns));
        Refused("with 3 arcs", () => _ = new CudaCsrRows(0, 2, 3, offsets, columns));
        Refused("Offsets is null", () => _ = new CudaCsrRows(2, 2, 3, null, columns));
        Refused("Columns is null", () => _ = new CudaCsrRows(2, 2, 3, offsets, null));
        Refused("C is 0", () => CudaCsrSum.Plain(gpu, Good(), values, 0, values, 0));
        Refused("X is null", () => CudaCsrSum.Plain(gpu, Good(), null, 1, values, 0));
        Refused("Weights is null", () => CudaCsrSum.Weighted(gpu, Good(), values, 1, null, values, 0));
        Refused("Dgates is null", () => CudaCsrSum.GateGradient(gpu, Good(), values, values, 1, null));
        Refused("workspace is null", () => CudaCsrSum.Plain(gpu, Good(513), values, 1, values, 0));
        Refused("Offsets is null", () => CudaCsrSum.Plain(gpu, default, values, 1, values, 0));
        Refused("2 heads for 7 channels", () => CudaCsrSum.Weighted(gpu, Good(), values, 7, values, values, 0, heads: 2));
        Refused("0 heads", () => CudaCsrSum.WeightGradient(gpu, Good(), values, values, 7, values, heads: 0));
    }

    /// <summary>Rows of the lengths that are given, each arc to a random one of 37 columns.</summary>
    internal static CsrCase Rows(int[] lengths, int channels)
    {
        var c = new CsrCase(channels, lengths.Length, 37, lengths.Sum(), channels);
        int arc = 0;
        for (int v = 0; v < lengths.Length; v++)
        {
            Array.Fill(c.Sources, v, arc, lengths[v]);
            arc += lengths[v];
            c.Offsets[v + 1] = arc;
        }

        return c;
    }

    private static void AssertClose<T>(EmulatedGpu gpu, CsrCase c, double tolerance, string what)
        where T : unmanaged
    {
        CsrResult actual = CudaCsrRunner.Run<T>(gpu, c);
        AssertClose(CsrSumTests.Reference(c), actual, tolerance, $"{typeof(T).Name}, {what}");
    }

    private static void AssertClose(CsrResult expected, CsrResult actual, double tolerance, string what)
    {
        foreach ((double[] wanted, double[] given, string name) in CsrSumTests.Pairs(expected, actual))
        {
            // A sum may cancel: the arcs are of the order of 1.
            Compare.Close([1, .. wanted], [1, .. given], tolerance, $"{what}: {name}");
        }
    }

    private static void AssertSame(CsrResult expected, CsrResult actual)
    {
        foreach ((double[] wanted, double[] given, string name) in CsrSumTests.Pairs(expected, actual))
        {
            Compare.Same(wanted, given, name);
        }
    }

    private static EmulatedGpu Gpu() => EmulatedGpu.Require(KernelSource.CsrSum, CudaCsrSum.Instances);
}
