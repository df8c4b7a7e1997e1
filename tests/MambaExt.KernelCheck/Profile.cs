using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary><c>profile</c>: the shape that every figure is about, forward and backward once in each type, for a profiler to watch.</summary>
internal static class Profile
{
    public static void Run(GpuDevice device, CheckRecord record)
    {
        Run<float>(device, record);
        Run<BFloat16>(device, record);
    }

    private static void Run<T>(GpuDevice device, CheckRecord record)
        where T : unmanaged
    {
        using IKernelWork work = Bench.Main.OnGpu<T>(device);
        work.Forward();
        work.Backward();
        device.Synchronize();
        record.Note($"{work.Name,-32} {work.Type,-9} ran once", ("kind", "profile"), ("case", work.Name), ("dtype", work.Type), ("device", device.Name));
    }
}
