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
        new ScanCase(1, 2048, 1536, 16), new ScanCase(8, 300, 768, 16), new ScanCase(1, 20_000, 40, 16), new ScanCase(2, 1025, 97, 64), new ConvCase(4, 2049, 1540, 4),
        new SsdCase(1, 2048, 24, 64, 128), new SsdCase(2, 333, 6, 64, 64), new CsrCase(20_000, 300_000, 64), new CsrCase(5_000, 40_000, 37),
    ];

    /// <summary>With its arrays on a GPU.</summary>
    public IKernelWork OnGpu<T>(GpuDevice device)
        where T : unmanaged => Make(new CudaKernels<T>(device), new GpuArena(device), new GpuSums<T>(device));

    /// <summary>In float32, with its arrays on the CPU.</summary>
    public IKernelWork OnCpu(KernelOptions options) => Make(new CpuKernels<float>(options), new HostArena(), new CpuSums<float>(options));

    protected abstract IKernelWork Make<T>(DeviceKernels<T> kernels, GoldenArena arena, ISparseSums<T> sums)
        where T : unmanaged;
}

/// <summary>B x L x D x N.</summary>
internal sealed record ScanCase(long B, long L, int D, int N, bool Gated = true) : WorkCase
{
    protected override IKernelWork Make<T>(DeviceKernels<T> kernels, GoldenArena arena, ISparseSums<T> sums) =>
        new ScanWork<T>(kernels, arena, new SelectiveScanShape { Batch = B, Length = L, Channels = D, States = N, Softplus = true, Stateless = true }, Gated);
}

/// <summary>B x L x D, W taps.</summary>
internal sealed record ConvCase(long B, long L, long D, int W) : WorkCase
{
    protected override IKernelWork Make<T>(DeviceKernels<T> kernels, GoldenArena arena, ISparseSums<T> sums) =>
        new ConvWork<T>(kernels, arena, new CausalConv1dShape(B, L, D, W, Silu: true));
}

/// <summary>B x L x H x P x N.</summary>
internal sealed record SsdCase(long B, long L, int H, int P, int N) : WorkCase
{
    protected override IKernelWork Make<T>(DeviceKernels<T> kernels, GoldenArena arena, ISparseSums<T> sums) =>
        new SsdWork<T>(kernels, arena, new StateSpaceDualityShape { Batch = B, Length = L, Heads = H, HeadWidth = P, States = N, Softplus = true });
}
