using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>A shape of an operator.</summary>
internal abstract record WorkCase
{
    /// <summary>Too large for a golden file: several blocks, tiles, chunks and segments of every kernel.</summary>
    public static IReadOnlyList<WorkCase> Large { get; } =
    [
        new ScanRun(1, 2048, 1536, 16), new ScanRun(8, 300, 768, 16), new ScanRun(1, 20_000, 40, 16), new ScanRun(2, 1025, 97, 64), new ConvRun(4, 2049, 1540, 4),
        new SsdRun(1, 2048, 24, 64, 128), new SsdRun(2, 333, 6, 64, 64), new CsrRun(20_000, 300_000, 64), new CsrRun(5_000, 40_000, 37), new ArcRun(5_000, 60_000, 64), new ArcRun(3_000, 20_000, 36),
    ];

    /// <summary>With its arrays on a GPU.</summary>
    public abstract IKernelWork OnGpu<T>(GpuDevice device)
        where T : unmanaged;

    /// <summary>In float32, with its arrays on the CPU.</summary>
    public abstract IKernelWork OnCpu(KernelOptions options);
}

/// <summary>B x L x D x N.</summary>
internal sealed record ScanRun(long B, long L, int D, int N, bool Gated = true) : WorkCase
{
    public SelectiveScanShape Shape => new() { Batch = B, Length = L, Channels = D, States = N, Softplus = true, Stateless = true };

    public override IKernelWork OnGpu<T>(GpuDevice device) => new ScanWork<T>(new CudaKernels<T>(device), new GpuArena(device), Shape, Gated);

    public override IKernelWork OnCpu(KernelOptions options) => new ScanWork<float>(new CpuKernels<float>(options), new HostArena(), Shape, Gated);
}

/// <summary>B x L x D, W taps.</summary>
internal sealed record ConvRun(long B, long L, long D, int W) : WorkCase
{
    private CausalConv1dShape Shape => new(B, L, D, W, Silu: true);

    public override IKernelWork OnGpu<T>(GpuDevice device) => new ConvWork<T>(new CudaKernels<T>(device), new GpuArena(device), Shape);

    public override IKernelWork OnCpu(KernelOptions options) => new ConvWork<float>(new CpuKernels<float>(options), new HostArena(), Shape);
}

/// <summary>B x L x H x P x N.</summary>
internal sealed record SsdRun(long B, long L, int H, int P, int N) : WorkCase
{
    public StateSpaceDualityShape Shape => new() { Batch = B, Length = L, Heads = H, HeadWidth = P, States = N, Softplus = true };

    public override IKernelWork OnGpu<T>(GpuDevice device) => new SsdWork<T>(new CudaKernels<T>(device), new GpuArena(device), Shape);

    public override IKernelWork OnCpu(KernelOptions options) => new SsdWork<float>(new CpuKernels<float>(options), new HostArena(), Shape);
}

/// <summary>V vertices, E arcs, C channels, a multiple of 4.</summary>
internal sealed record ArcRun(int V, int E, int C) : WorkCase
{
    public override IKernelWork OnGpu<T>(GpuDevice device) => ArcWork<T>.OnGpu(this, device);

    public override IKernelWork OnCpu(KernelOptions options) => ArcWork<float>.OnCpu<float>(this, options);
}

/// <summary>V vertices, E arcs, C channels; or the first rows of such a graph alone.</summary>
internal sealed record CsrRun(int V, int E, int C, int? Rows = null) : WorkCase
{
    public override IKernelWork OnGpu<T>(GpuDevice device) => CsrWork<T>.OnGpu(this, device);

    public override IKernelWork OnCpu(KernelOptions options) => CsrWork<float>.OnCpu<float>(this, options);
}
