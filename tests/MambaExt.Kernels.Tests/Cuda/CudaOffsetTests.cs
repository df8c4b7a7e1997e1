using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Offsets beyond 2^32 elements: rows far apart on the emulated GPU, and the index arithmetic of what no machine has memory for.</summary>
public sealed unsafe class CudaOffsetTests
{
    private const long Stride = (1L << 30) + 77;

    /// <summary>Two chunks of positions, by all kernels of both passes; with several heads a group and splits.</summary>
    [Fact]
    public void The_scan_of_Mamba_2_reads_and_writes_rows_beyond_32_bits()
    {
        const int Length = 70, Heads = 4, Width = 3, States = 5;
        using EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.StateSpaceDuality, CudaStateSpaceDuality.Instances);
        var shape = new StateSpaceDualityShape { Batch = 1, Length = Length, Heads = Heads, HeadWidth = Width, States = States, Softplus = true };
        using var near = CudaSsdCase<float>.Random(gpu, shape, packed: true);
        near.Run();
        Dictionary<string, double[]> expected = near.Snapshot();
        using var far = new SparseRows(Length, Stride);
        const int X = Heads * Width;
        near.Inputs = near.Inputs with
        {
            X = far.Spread(near.Inputs.X, X),
            XStride = Stride,
            Dt = far.Spread(near.Inputs.Dt, Heads),
            DtStride = Stride,
            B = far.Spread(near.Inputs.B, States),
            BStride = Stride,
            C = far.Spread(near.Inputs.C, States),
            CStride = Stride,
            Z = far.Spread(near.Inputs.Z, X),
            ZStride = Stride,
        };
        near.Outputs = near.Outputs with { Out = far.Column(X), OutStride = Stride };
        near.Gradients = near.Gradients with
        {
            Out = far.Spread(near.Gradients.Out, X),
            OutStride = Stride,
            X = far.Column(X),
            XStride = Stride,
            Dt = far.Column(Heads),
            DtStride = Stride,
            B = far.Column(States),
            BStride = Stride,
            C = far.Column(States),
            CStride = Stride,
            Z = far.Column(X),
            ZStride = Stride,
        };
        near.Run();
        Compare.Same(expected["out"], far.Gather(near.Outputs.Out, X), "out");
        Compare.Same(expected["dx"], far.Gather(near.Gradients.X, X), "dx");
        Compare.Same(expected["ddt"], far.Gather(near.Gradients.Dt, Heads), "ddt");
        Compare.Same(expected["dB"], far.Gather(near.Gradients.B, States), "dB");
        Compare.Same(expected["dC"], far.Gather(near.Gradients.C, States), "dC");
        Compare.Same(expected["dz"], far.Gather(near.Gradients.Z, X), "dz");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_convolution_reads_and_writes_rows_beyond_32_bits(bool reverse)
    {
        const int Length = 40, Channels = 35;
        using EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.CausalConv1d, CudaCausalConv1d.Instances);
        var shape = new CausalConv1dShape(1, Length, Channels, 4, Silu: true, reverse);
        ConvCase c = ConvCase.Random(3, shape, bias: true, initial: true, final: false, packed: false);
        ConvResult expected = CudaConvRunner.Run<float>(gpu, c);
        using var far = new SparseRows(Length, Stride);
        using GpuArray<float> x = GpuArray<float>.Of(gpu, c.X), dout = GpuArray<float>.Of(gpu, c.DOut), weight = GpuArray<float>.Of(gpu, c.Weight), bias = GpuArray<float>.Of(gpu, c.Bias!);
        using GpuArray<float> initial = GpuArray<float>.Of(gpu, c.Initial!), dweight = new(gpu, c.Weight.Length);
        using var workspace = new GpuArray<byte>(gpu, CudaCausalConv1d.BackwardWorkspaceBytes<float>(shape));
        var inputs = new CausalConv1dInputs<float>
        {
            X = far.Spread(x.Pointer, Channels), XRowStride = Stride, Weight = weight.Pointer, Bias = bias.Pointer, InitialStates = initial.Pointer,
        };
        float* output = far.Column(Channels), dx = far.Column(Channels);
        CudaCausalConv1d.Forward(gpu, shape, inputs, new() { Out = output, OutRowStride = Stride });
        CudaCausalConv1d.Backward(
            gpu, shape, inputs, new() { DOut = far.Spread(dout.Pointer, Channels), DOutRowStride = Stride }, new() { DX = dx, DXRowStride = Stride, DWeight = dweight.Pointer },
            (nint)workspace.Pointer);
        Compare.Same(expected.Out, far.Gather(output, Channels), "out");
        Compare.Same(expected.DX, far.Gather(dx, Channels), "dx");
        Compare.Same(expected.DWeight, dweight.ToDoubles(), "dweight");
    }

    /// <summary>Columns up to 1.4 billion and arcs as far into the gates, four channels each; beside the same arcs with small numbers.</summary>
    [Fact]
    public void Sums_over_arcs_gather_and_scatter_beyond_32_bits()
    {
        const int Arcs = 9, C = 4;
        const long Step = 170_000_000;
        using EmulatedGpu gpu = Emulated.Gpu();
        using GpuArray<long> offsets = new(gpu, [0, 3, 3, Arcs]), farArcs = new(gpu, [.. Enumerable.Range(0, Arcs).Select(i => i * Step)]);
        using GpuArray<int> small = new(gpu, [.. Enumerable.Range(0, Arcs)]), large = new(gpu, [.. Enumerable.Range(0, Arcs).Select(i => (int)(i * Step))]);
        var random = new Random(4);
        using GpuArray<float> x = Draw(Arcs * C), source = Draw(Arcs * C), gates = Draw(Arcs * C), target = Draw(3 * C), dy = Draw(3 * C);
        using GpuArray<byte> space = new(gpu, 1 << 10);
        using var rowsOfX = new SparseRows(Arcs, Step * C);
        using var rowsOfArcs = new SparseRows(Arcs, Step * C);
        float* farX = rowsOfX.Spread(x.Pointer, C), farGates = rowsOfArcs.Spread(gates.Pointer, C);

        // The stride of a row is C: what lies beside it belongs to columns that no arc names, so other arrays begin between them.
        float* farSource = rowsOfX.Spread(source.Pointer, C);
        Assert.True(farSource == farX + C);
        float* dgates = rowsOfArcs.Column(C), spread = rowsOfArcs.Column(C), softmax = rowsOfArcs.Column(C);
        var near = new CudaCsrRows(3, Arcs, Arcs, offsets.Pointer, small.Pointer);
        var far = new CudaCsrRows(3, Arcs * Step, Arcs, offsets.Pointer, large.Pointer, farArcs.Pointer);

        using GpuArray<float> y = new(gpu, 3 * C), farY = new(gpu, 3 * C), dgatesNear = new(gpu, Arcs * C), spreadNear = new(gpu, Arcs * C), softmaxNear = new(gpu, Arcs * C);
        CudaCsrSum.Gated(gpu, near, x.Pointer, C, gates.Pointer, y.Pointer, 0);
        CudaCsrSum.Gated(gpu, far, farX, C, farGates, farY.Pointer, 0);
        Compare.Same(y.ToDoubles(), farY.ToDoubles(), "gated sum");
        CudaCsrSum.GateGradient(gpu, near, x.Pointer, dy.Pointer, C, dgatesNear.Pointer);
        CudaCsrSum.GateGradient(gpu, far, farX, dy.Pointer, C, dgates);
        Compare.Same(dgatesNear.ToDoubles(), rowsOfArcs.Gather(dgates, C), "gradient of the gates");
        CudaCsrSegments.Spread(gpu, near, target.Pointer, source.Pointer, C, spreadNear.Pointer);
        CudaCsrSegments.Spread(gpu, far, target.Pointer, farSource, C, spread);
        Compare.Same(spreadNear.ToDoubles(), rowsOfArcs.Gather(spread, C), "spread");
        CudaCsrSegments.Softmax(gpu, near, gates.Pointer, C, softmaxNear.Pointer, (nint)space.Pointer);
        CudaCsrSegments.Softmax(gpu, far, farGates, C, softmax, (nint)space.Pointer);
        Compare.Same(softmaxNear.ToDoubles(), rowsOfArcs.Gather(softmax, C), "softmax");
        CudaCsrSegments.Sum(gpu, near, gates.Pointer, C, y.Pointer, 0);
        CudaCsrSegments.Sum(gpu, far, farGates, C, farY.Pointer, 0);
        Compare.Same(y.ToDoubles(), farY.ToDoubles(), "sum");
        CudaCsrGatedMean.Forward(gpu, near, target.Pointer, source.Pointer, x.Pointer, C, y.Pointer, dy.Pointer, 0);
        CudaCsrGatedMean.Forward(gpu, far, target.Pointer, farSource, farX, C, farY.Pointer, dy.Pointer, 0);
        Compare.Same(y.ToDoubles(), farY.ToDoubles(), "gated mean");

        GpuArray<float> Draw(int count) => GpuArray<float>.Of(gpu, Compare.Random(random, count));
    }

    /// <summary>Checkpoints, states and chunks of shapes that fill terabytes, against exact arithmetic.</summary>
    [Fact]
    public void Offsets_of_what_is_kept_between_kernels_are_exact()
    {
        const string Kernel = """

            struct Places { i64* out; i64 batch, length, at, segment, chunk; int entry, heads, width, states, channels, steps; };

            __global__ void places(Places a) {
                ScanSizes s = {};
                s.batch = a.batch + 1; s.length = a.length; s.states = a.states; s.channels = a.channels; s.checkpoint_steps = a.steps; s.group_channels = a.channels; s.groups = 1;
                s.group_blocks = (a.channels + 31) / 32; s.passes = (a.states + 15) / 16; s.segments = a.segment + 1;
                ScanBlock block = scan_block(s, s.group_blocks - 1);
                ScanLane<4, 4> lane(block, threadIdx.x);
                if (threadIdx.x > 0) return;
                a.out[0] = scan_row(s, a.batch, a.at);
                a.out[1] = scan_checkpoint(s, a.batch, a.at);
                a.out[2] = state_offset(s, a.out[1], lane, block, s.passes - 1);
                a.out[3] = state_offset(s, a.batch * s.segments + a.segment, lane, block, s.passes - 1);
                s.reverse = 1;
                a.out[4] = scan_row(s, a.batch, a.at);
            }
            """;
        const string Chunks = """

            struct Places { i64* out; i64 batch, length, at, segment, chunk; int entry, heads, width, states, channels, steps; };

            __global__ void places(Places a) {
                ssd_arguments<float> g = {};
                g.length = a.length; g.heads = a.heads; g.width = a.width; g.states = a.states; g.groups = 1;
                Span span(g, a.entry, a.chunk);
                if (threadIdx.x > 0) return;
                a.out[0] = span.row;
                a.out[1] = span.of(g, g.heads, g.heads - 1);
                a.out[2] = span.of(g, g.heads, g.heads - 1) * g.state_elements();
            }
            """;
        using EmulatedGpu gpu = Emulated.Gpu();
        using var result = new GpuArray<long>(gpu, 5);
        var places = new Places(
            (nint)result.Pointer, Batch: 70_000, Length: 3_000_000_017, At: 2_999_999_999, Segment: 500, Chunk: 40_000_000, Entry: 50_000, Heads: 96, Width: 128, States: 256, Channels: 6144, Steps: 256);
        gpu.Launch(KernelSource.FromText("places.cu", Text("selective_scan.cu") + Kernel), "places", new(1, 128), places);
        Int128 b = places.Batch, l = places.Length, at = places.At, n = places.States, d = places.Channels, checkpoint = (b * ((l - 1) / 256)) + (at / 256) - 1;
        Same(result.ToArray(), [(b * l) + at, checkpoint, (((checkpoint * n) + n - 16) * d) + d - 32, (((((b * 501) + 500) * n) + n - 16) * d) + d - 32, (b * l) + l - 1 - at]);

        gpu.Launch(KernelSource.FromText("places.cu", Text("state_space_duality.cu") + Text("state_space_duality_products.cu") + Text("state_space_duality_steps.cu") + Chunks), "places", new(1, 32), places);
        Int128 entry = places.Entry, chunk = places.Chunk, head = (((entry * ((l + 63) / 64)) + chunk) * 96) + 95;
        Same(result.ToArray()[..3], [(entry * l) + (chunk * 64), head, head * 128 * 256]);

        static void Same(long[] got, Int128[] expected) => Assert.Equal(expected, got.Select(value => (Int128)value));
    }

    private static string Text(string name)
    {
        using Stream stream = typeof(KernelSource).Assembly.GetManifestResourceStream($"MambaExt.Kernels.Cuda.Sources.{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Places(
        nint Out, long Batch, long Length, long At, long Segment, long Chunk, int Entry, int Heads, int Width, int States, int Channels, int Steps);
}
