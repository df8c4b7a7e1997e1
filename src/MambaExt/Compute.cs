using System.Runtime.Intrinsics.X86;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Native;
using TorchSharp;

namespace MambaExt;

/// <summary>How many threads and which vector width the CPU kernels of this process use. Neither changes a result's bits but by the
/// rounding of another width.</summary>
public static class Compute
{
    private static readonly bool FixedByEnvironment = !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable("MAMBAEXT_THREADS"));
    private static int _threads;

    /// <summary>Threads of the kernels: what was set here, else <c>MAMBAEXT_THREADS</c>, else libtorch's own number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public static int Threads
    {
        get => _threads > 0 ? _threads : FixedByEnvironment ? KernelOptions.Default.Threads : torch.get_num_threads();
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _threads = value;
        }
    }

    /// <summary>Whether this CPU multiplies bfloat16 matrices in hardware (AVX512-BF16 or AMX); without it bfloat16 is slower than float32.</summary>
    public static bool HasBFloat16 { get; } = X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7
        && ((X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0 || (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);

    /// <summary>
    /// Lets this process keep the memory of tensors that are gone, for those of the next step; otherwise the C library gives large blocks back to the system and
    /// takes them anew, zeroed page by page: about a twentieth of the time of a training on graphs or on images of 32 x 32, nothing on smaller ones. Call it once,
    /// before the first tensor; the program <c>mambaext</c> does. What the process held at its peak then stays with it until it ends.
    /// </summary>
    /// <returns>Whether it could be done: with glibc on Linux, unless one of its own variables (<c>MALLOC_...</c>, <c>GLIBC_TUNABLES</c>) or another allocator (<c>LD_PRELOAD</c>) is set.</returns>
    public static bool KeepFreedMemory() => FreedMemory.Keep();

    /// <summary>The options a kernel is called with now.</summary>
    public static KernelOptions Options => new(Threads, VectorWidth.Default);
}
