using MambaExt.Kernels.Cuda;

namespace MambaExt.Kernels.Verification;

/// <summary>Runs a folder of golden files against the kernels of this machine.</summary>
public static class GoldenFiles
{
    /// <summary>
    /// Each file of <paramref name="folder"/> in turn, at each of <paramref name="widths"/>. What no kernel here computes goes to
    /// <paramref name="other"/>, which answers null for a file it does not know either; such a file is skipped with a reason.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder, or no golden file in it.</exception>
    public static IEnumerable<GoldenResult> Run(string folder, int threads, IReadOnlyList<int> widths, Func<string, KernelOptions, GoldenResult?>? other = null) =>
        Files(folder).SelectMany(path => OnCpu(path, threads, widths, other));

    /// <summary>
    /// Each file of <paramref name="folder"/> in turn on a GPU: in the type it is stored in, and a float32 file in bfloat16 and half too. Files of
    /// extremes (<c>scanx_*</c>) are not run in half, which ends at 65504.
    /// </summary>
    /// <param name="folder">The files</param>
    /// <param name="device">Where the kernels run</param>
    /// <param name="other">Answers for what no kernel computes; null for a file it does not know either</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder, or no golden file in it.</exception>
    public static IEnumerable<GoldenResult> Run(string folder, GpuDevice device, Func<string, GoldenResult?>? other = null) =>
        Files(folder).SelectMany(path => OnGpu(path, device, other));

    /// <summary>As <see cref="Run(string, GpuDevice, Func{string, GoldenResult})"/>, for one file.</summary>
    internal static IEnumerable<GoldenResult> OnGpu(string path, GpuDevice device, Func<string, GoldenResult?>? other = null)
    {
        if (GoldenKernel.Operator(path) is null)
        {
            yield return Guarded(path, () => other?.Invoke(path) ?? GoldenFile.Skipped(path, "no kernel of this program computes it"));
            yield break;
        }

        GoldenResult first = Guarded(path, () => new GoldenFile(path).IsDouble ? GoldenKernel.OnGpu<double>(path, device) : GoldenKernel.OnGpu<float>(path, device));
        yield return first;
        if (first.Device.Length == 0 || first.Kernel.EndsWith("double", StringComparison.Ordinal))
        {
            yield break;
        }

        yield return Guarded(path, () => GoldenKernel.OnGpu<BFloat16>(path, device));
        if (!Path.GetFileName(path).StartsWith("scanx_", StringComparison.Ordinal))
        {
            yield return Guarded(path, () => GoldenKernel.OnGpu<Half>(path, device));
        }
    }

    private static string[] Files(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'; give the one that holds the golden files (*.safetensors).");
        }

        string[] files = Directory.GetFiles(folder, "*.safetensors");
        if (files.Length == 0)
        {
            throw new DirectoryNotFoundException($"'{folder}' holds no golden file; give the folder with the *.safetensors files.");
        }

        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    private static IEnumerable<GoldenResult> OnCpu(string path, int threads, IReadOnlyList<int> widths, Func<string, KernelOptions, GoldenResult?>? other)
    {
        foreach (int width in widths)
        {
            var options = new KernelOptions(threads, width);
            GoldenResult result = Guarded(path, () => GoldenKernel.Operator(path) is not null
                ? GoldenKernel.OnCpu(path, options)
                : other?.Invoke(path, options) ?? GoldenFile.Skipped(path, "no kernel of this program computes it"));
            yield return result;
            if (result.Ok is null)
            {
                yield break;
            }
        }
    }

    private static GoldenResult Guarded(string path, Func<GoldenResult> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is InvalidDataException or KeyNotFoundException or ArgumentException or FormatException or OverflowException or CudaException)
        {
            // A damaged or foreign file is a failure of that file, not of the run.
            return GoldenFile.Failed(path, "", e.Message);
        }
    }
}
