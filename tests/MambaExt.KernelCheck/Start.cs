using System.Diagnostics;
using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck;

/// <summary>
/// <c>start</c>: time from a new process to the end of a first training step of both generations, in bfloat16. Driver and context are the driver's own time;
/// what is judged is ours: loading the compiler and having the kernels. Run twice with an empty folder in <c>MAMBAEXT_KERNEL_CACHE</c>, it shows what
/// compiling costs and what is left of it from the cache.
/// </summary>
internal static class Start
{
    private static readonly WorkCase[] Step = [new ConvRun(2, 64, 128, 4), new ScanRun(2, 64, 128, 16), new SsdRun(2, 128, 4, 64, 128)];

    public static void Run(int? most, CheckRecord record)
    {
        double driver = Time(() => CudaDriver.Library()), compiler = Time(() => NvrtcSearch.Library(CudaDriver.Library().Version));
        CudaDevice? device = null;
        double context = Time(() =>
        {
            device = CudaDevice.Get(0);
            device.Free(device.Allocate(1));
        });
        Run(device!, new StartTimes(driver, compiler, context), most, record);
    }

    /// <summary>The step itself, and the verdict.</summary>
    internal static void Run(GpuDevice device, StartTimes times, int? most, CheckRecord record)
    {
        double kernels = 0;
        foreach (WorkCase one in Step)
        {
            using IKernelWork work = one.OnGpu<BFloat16>(device);
            device.Synchronize();
            double time = Time(() =>
            {
                work.Forward();
                work.Backward();
                device.Synchronize();
            });
            kernels += time;
            record.Note($"      {work.Name,-32} {work.Type,-9} first step {time,9:f1} ms", ("kind", "start"), ("case", work.Name), ("dtype", work.Type), ("device", device.Name), ("first_ms", time));
        }

        double ours = times.Compiler + kernels;
        string line = $"driver {times.Driver:f0} ms, context {times.Context:f0} ms; compiler {times.Compiler:f0} ms and kernels of a training step {kernels:f0} ms";
        (string, object?)[] fields =
        [
            ("kind", "start"), ("case", "all"), ("device", device.Name), ("driver_ms", times.Driver), ("context_ms", times.Context), ("compiler_ms", times.Compiler), ("first_ms", kernels),
            ("judged_ms", ours), ("bar_ms", most),
        ];
        if (most is null)
        {
            record.Note($"      {line}", fields);
        }
        else
        {
            record.Check(ours <= most, $"{line}, bar {most} ms", fields);
        }
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}

/// <summary>Milliseconds before the first kernel.</summary>
/// <param name="Driver">Loading and starting the driver</param>
/// <param name="Compiler">Finding and loading NVRTC</param>
/// <param name="Context">Of the device</param>
internal readonly record struct StartTimes(double Driver, double Compiler, double Context);
