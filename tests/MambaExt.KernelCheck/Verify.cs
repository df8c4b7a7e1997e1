using MambaExt.KernelCheck.Work;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck;

/// <summary><c>verify</c>: golden files, and on a GPU larger shapes against the CPU's kernels.</summary>
internal static class Verify
{
    public static void OnCpu(string folder, CheckRecord record)
    {
        foreach (GoldenResult result in GoldenFiles.Run(folder, KernelOptions.Default.Threads, VectorWidth.Allowed))
        {
            Write(result, record);
        }
    }

    public static void OnGpu(string folder, CudaDevice device, CheckRecord record)
    {
        foreach (GoldenResult result in GoldenFiles.Run(folder, device))
        {
            Write(result, record);
        }

        foreach (WorkCase one in WorkCase.Large)
        {
            Large(device, one, record);
        }
    }

    /// <summary>One shape in float32 on both: outputs within 1e-5 of the largest magnitude, gradients within 5e-5.</summary>
    internal static void Large(GpuDevice device, WorkCase one, CheckRecord record)
    {
        using IKernelWork here = one.OnGpu<float>(device), there = one.OnCpu(KernelOptions.Default);
        foreach (IKernelWork work in new[] { here, there })
        {
            work.Spoil(0xFF);
            work.Forward();
            work.Backward();
        }

        double worst = 0, allowed = 0;
        string name = "";
        foreach (var (got, right) in here.Results.Zip(there.Results))
        {
            double tolerance = got.Name.StartsWith("grad_", StringComparison.Ordinal) ? 5e-5 : 1e-5, error = Error(here.Read(got), there.Read(right));
            if (name.Length == 0 || error / tolerance > worst / allowed)
            {
                (worst, allowed, name) = (error, tolerance, got.Name);
            }
        }

        record.Check(
            worst <= allowed, $"{here.Name,-60} against the CPU          error {worst:e1}  allowed {allowed:e0}  {name}",
            ("kind", "verify"), ("case", here.Name), ("dtype", here.Type), ("device", device.Name), ("worst_error", worst), ("tolerance", allowed), ("tensor", name));
    }

    private static double Error(double[] got, double[] right)
    {
        double scale = 0, error = 0;
        for (int i = 0; i < right.Length; i++)
        {
            double difference = Math.Abs(got[i] - right[i]);
            error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
            scale = Math.Max(scale, Math.Abs(right[i]));
        }

        return error == 0 ? 0 : error / scale;
    }

    private static void Write(GoldenResult r, CheckRecord record)
    {
        string line = r.Device.Length == 0
            ? $"{r.File,-60} {r.Reason}"
            : $"{r.File,-60} {r.Kernel,-24} {(r.VectorBits > 0 ? $"{r.VectorBits,3} bits  " : "")}error {r.WorstError:e1}  allowed {r.Tolerance:e0}  {r.Reason}";
        record.Check(
            r.Ok, line, ("kind", "verify"), ("file", r.File), ("kernel", r.Kernel), ("device", r.Device), ("vector_bits", r.VectorBits),
            ("worst_error", r.WorstError), ("tolerance", r.Tolerance), ("reason", r.Reason));
    }
}
