using System.Diagnostics;
using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>
/// <c>start</c>: time from a new process to the end of a first training step of both generations, in bfloat16. The context is the driver's own time. Run twice
/// with an empty folder in <c>MAMBAEXT_KERNEL_CACHE</c>, it shows what compiling costs and what is left of it from the cache.
/// </summary>
internal static class Start
{
    private static readonly WorkCase[] Step = [new ConvRun(2, 64, 128, 4), new ScanRun(2, 64, 128, 16), new SsdRun(2, 128, 4, 64, 128)];

    public static void Run(int? most, CheckRecord record)
    {
        long start = Stopwatch.GetTimestamp();
        CudaDevice device = CudaDevice.Get(0);
        device.Free(device.Allocate(1));
        double context = Stopwatch.GetElapsedTime(start).TotalMilliseconds, all = 0;
        foreach (WorkCase one in Step)
        {
            using IKernelWork work = one.OnGpu<BFloat16>(device);
            device.Synchronize();
            start = Stopwatch.GetTimestamp();
            work.Forward();
            work.Backward();
            device.Synchronize();
            double time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            all += time;
            record.Note($"      {work.Name,-32} {work.Type,-9} first step {time,9:f1} ms", ("kind", "start"), ("case", work.Name), ("dtype", work.Type), ("device", device.Name), ("first_ms", time));
        }

        string line = $"device and context {context:f0} ms, then kernels of a training step {all:f0} ms";
        (string, object?)[] fields = [("kind", "start"), ("case", "all"), ("device", device.Name), ("context_ms", context), ("first_ms", all), ("bar_ms", most)];
        if (most is null)
        {
            record.Note($"      {line}", fields);
        }
        else
        {
            record.Check(all <= most, $"{line}, bar {most} ms", fields);
        }
    }
}
