using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Runs the CUDA sums on a case, in memory whose ends are watched. The case's numbers are rounded to T first, in place.</summary>
internal static unsafe class CudaCsrRunner
{
    public static CsrResult Run<T>(EmulatedGpu gpu, CsrCase c)
        where T : unmanaged
    {
        using var graph = new GpuGraph(gpu, c);
        using GpuArray<T> x = Rounded<T>(gpu, c.X), dy = Rounded<T>(gpu, c.DY), weights = Rounded<T>(gpu, c.Weights), gates = Rounded<T>(gpu, c.Gates);
        CudaCsrRows rows = graph.Rows, back = graph.Transposed;
        int channels = c.Channels;
        return new CsrResult(
            Summed<T>(gpu, rows, c, c.DY.Length, (y, work) => CudaCsrSum.Plain(gpu, rows, x.Pointer, channels, y.Pointer, work)),
            Summed<T>(gpu, rows, c, c.DY.Length, (y, work) => CudaCsrSum.Weighted(gpu, rows, x.Pointer, channels, weights.Pointer, y.Pointer, work)),
            Summed<T>(gpu, rows, c, c.DY.Length, (y, work) => CudaCsrSum.Gated(gpu, rows, x.Pointer, channels, gates.Pointer, y.Pointer, work)),
            Summed<T>(gpu, back, c, c.X.Length, (dx, work) => CudaCsrSum.Plain(gpu, back, dy.Pointer, channels, dx.Pointer, work)),
            Summed<T>(gpu, back, c, c.X.Length, (dx, work) => CudaCsrSum.Weighted(gpu, back, dy.Pointer, channels, weights.Pointer, dx.Pointer, work)),
            Summed<T>(gpu, back, c, c.X.Length, (dx, work) => CudaCsrSum.Gated(gpu, back, dy.Pointer, channels, gates.Pointer, dx.Pointer, work)),
            Summed<T>(gpu, rows, c, c.Weights.Length, (dw, _) => CudaCsrSum.WeightGradient(gpu, rows, x.Pointer, dy.Pointer, channels, dw.Pointer)),
            Summed<T>(gpu, rows, c, c.Gates.Length, (dg, _) => CudaCsrSum.GateGradient(gpu, rows, x.Pointer, dy.Pointer, channels, dg.Pointer)));
    }

    /// <summary>The gradients of weights and gates by way of the transpose, which must land on the same arcs.</summary>
    public static (double[] Weights, double[] Gates) ArcGradientsOverTranspose<T>(EmulatedGpu gpu, CsrCase c)
        where T : unmanaged
    {
        using var graph = new GpuGraph(gpu, c);
        using GpuArray<T> x = Rounded<T>(gpu, c.X), dy = Rounded<T>(gpu, c.DY);
        CudaCsrRows back = graph.Transposed;
        return (
            Summed<T>(gpu, back, c, c.Weights.Length, (dw, _) => CudaCsrSum.WeightGradient(gpu, back, dy.Pointer, x.Pointer, c.Channels, dw.Pointer)),
            Summed<T>(gpu, back, c, c.Gates.Length, (dg, _) => CudaCsrSum.GateGradient(gpu, back, dy.Pointer, x.Pointer, c.Channels, dg.Pointer)));
    }

    public static GpuArray<T> Rounded<T>(EmulatedGpu gpu, double[] values)
        where T : unmanaged
    {
        var array = GpuArray<T>.Of(gpu, values);
        array.ToDoubles().CopyTo(values, 0);
        return array;
    }

    private static double[] Summed<T>(EmulatedGpu gpu, CudaCsrRows rows, CsrCase c, int length, Action<GpuArray<T>, nint> sum)
        where T : unmanaged
    {
        using var target = new GpuArray<T>(gpu, length);
        using var workspace = new GpuArray<byte>(gpu, CudaCsrSum.WorkspaceBytes<T>(rows, c.Channels));
        sum(target, (nint)workspace.Pointer);
        return target.ToDoubles();
    }
}

/// <summary>The rows of a case and of their transpose in the GPU's memory.</summary>
internal sealed unsafe class GpuGraph : IDisposable
{
    private readonly GpuArray<long> _offsets, _backOffsets, _arcs;
    private readonly GpuArray<int> _columns, _backColumns;

    public GpuGraph(EmulatedGpu gpu, CsrCase c)
    {
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        using var transpose = new CsrTranspose(new CsrRows(c.Rows, c.Columns, offsets.Pointer, targets.Pointer));
        int count = c.Targets.Length;
        CsrRows back = transpose.Rows;
        _offsets = new(gpu, c.Offsets);
        _columns = new(gpu, c.Targets);
        _backOffsets = new(gpu, new ReadOnlySpan<long>(back.Offsets, c.Columns + 1));
        _backColumns = new(gpu, new ReadOnlySpan<int>(back.Columns, count));
        _arcs = new(gpu, new ReadOnlySpan<long>(back.Arcs, count));
        Rows = new(c.Rows, c.Columns, count, _offsets.Pointer, _columns.Pointer);
        Transposed = new(c.Columns, c.Rows, count, _backOffsets.Pointer, _backColumns.Pointer, _arcs.Pointer);
    }

    public CudaCsrRows Rows { get; }

    public CudaCsrRows Transposed { get; }

    public void Dispose()
    {
        _offsets.Dispose();
        _columns.Dispose();
        _backOffsets.Dispose();
        _backColumns.Dispose();
        _arcs.Dispose();
    }
}
