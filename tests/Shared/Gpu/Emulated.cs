using MambaExt.Kernels.Cuda;

namespace MambaExt.Tests.Shared;

/// <summary>An emulated GPU that knows every kernel.</summary>
internal static class Emulated
{
    public static EmulatedGpu Gpu()
    {
        EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.CausalConv1d, CudaCausalConv1d.Instances);
        gpu.Declare(KernelSource.SelectiveScan, CudaSelectiveScan.Instances);
        gpu.Declare(KernelSource.StateSpaceDuality, CudaStateSpaceDuality.Instances);
        gpu.Declare(KernelSource.CsrSum, CudaCsrSum.Instances);
        gpu.Declare(KernelSource.CsrSegments, CudaCsrSegments.Instances);
        gpu.Declare(KernelSource.CsrGatedMean, CudaCsrGatedMean.Instances);
        return gpu;
    }
}
