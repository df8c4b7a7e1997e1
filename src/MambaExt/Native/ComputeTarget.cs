using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;
using BFloat16 = MambaExt.Kernels.BFloat16;

namespace MambaExt.Native;

/// <summary>Where an operator runs, from its forward pass to its gradients: on the CPU with these options, or on a GPU.</summary>
/// <param name="Device">Where its tensors lie</param>
/// <param name="Options">Threads and vector width of a CPU: the checkpoints depend on the width</param>
/// <param name="Gpu">The GPU, or null</param>
internal sealed record ComputeTarget(Device Device, KernelOptions Options, GpuDevice? Gpu)
{
    /// <summary>The target of tensors that lie where this one does.</summary>
    public static ComputeTarget Of(Tensor tensor) => new(tensor.device, Compute.Options, GpuDevices.Of(tensor.device));

    /// <summary>bfloat16 and half go into the kernels as they are; a CPU wants them widened first.</summary>
    public bool TakesNarrow => Gpu is not null;

    public DeviceKernels<float> Single => Gpu is null ? new CpuKernels<float>(Options) : On<float>();

    public DeviceKernels<double> Double => Gpu is null ? new CpuKernels<double>(Options) : On<double>();

    public DeviceKernels<BFloat16> BFloat16 => On<BFloat16>();

    public DeviceKernels<Half> Half => On<Half>();

    /// <summary>The type of parameters, states and checkpoints beside sequences of <paramref name="type"/> inside a kernel.</summary>
    public static ScalarType Wide(ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;

    /// <summary><paramref name="tensor"/> in <paramref name="type"/>; itself where it is of that type or no floating-point number. Differentiable.</summary>
    public static Tensor As(Tensor tensor, ScalarType type) => tensor.dtype == type || !tensor.is_floating_point() ? tensor : tensor.to_type(type);

    /// <summary>Memory for a kernel to work in. A GPU's allocator gives it to later work of the same stream only, so it is disposed
    /// once the kernel is queued.</summary>
    public Tensor Workspace(long bytes) => empty([bytes], ScalarType.Byte, Device);

    private CudaKernels<T> On<T>()
        where T : unmanaged => new(Gpu!, GpuDevices.CurrentStream(Device));
}
