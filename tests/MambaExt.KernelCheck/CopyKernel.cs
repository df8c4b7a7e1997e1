using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>A copy, 16 bytes a thread at a time: the memory bandwidth that a kernel can reach.</summary>
internal static class CopyKernel
{
    private const string Text = """
        struct alignas(16) Sixteen { u32 part[4]; };
        struct CopyArguments { Sixteen* target; const Sixteen* source; i64 count; };

        __global__ void copy(CopyArguments a) {
            i64 step = static_cast<i64>(gridDim.x) * blockDim.x;
            for (i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; i < a.count; i += step) { a.target[i] = a.source[i]; }
        }
        """;

    private static readonly KernelSource Source = KernelSource.FromText("copy.cu", Text);

    /// <summary>Bytes a second, reading and writing counted, over two arrays of that size.</summary>
    public static double BytesPerSecond(GpuDevice device, long bytes, int rounds)
    {
        nint source = device.Allocate(bytes), target = device.Allocate(bytes);
        try
        {
            device.Clear(source, bytes);
            using var timing = new Timing(device);
            var arguments = new CopyArguments(target, source, bytes / 16);
            long blocks = Math.Min((bytes / 16 + 255) / 256, 132 * 32);
            return 2e3 * bytes / timing.Run(_ => device.Launch(Source, "copy", new LaunchSize(blocks, 256), arguments), rounds).Median;
        }
        finally
        {
            device.Free(target);
            device.Free(source);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct CopyArguments(nint Target, nint Source, long Count);
}
