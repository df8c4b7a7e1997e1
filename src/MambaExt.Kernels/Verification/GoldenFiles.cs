namespace MambaExt.Kernels.Verification;

/// <summary>Runs a folder of golden files against the kernels of this machine.</summary>
public static class GoldenFiles
{
    /// <summary>
    /// Each file of <paramref name="folder"/> in turn, at each of <paramref name="widths"/>. What no kernel here computes goes to
    /// <paramref name="other"/>, which answers null for a file it does not know either; such a file is skipped with a reason.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder, or no golden file in it.</exception>
    public static IEnumerable<GoldenResult> Run(string folder, int threads, IReadOnlyList<int> widths, Func<string, KernelOptions, GoldenResult?>? other = null)
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
        return files.SelectMany(path => RunFile(path, threads, widths, other));
    }

    private static IEnumerable<GoldenResult> RunFile(string path, int threads, IReadOnlyList<int> widths, Func<string, KernelOptions, GoldenResult?>? other)
    {
        foreach (int width in widths)
        {
            var options = new KernelOptions(threads, width);
            GoldenResult result;
            try
            {
                string name = Path.GetFileName(path);
                result = name.StartsWith("scan_", StringComparison.Ordinal) || name.StartsWith("scanx_", StringComparison.Ordinal)
                    ? GoldenScan.Run(new GoldenFile(path), options)
                    : name.StartsWith("conv_", StringComparison.Ordinal)
                        ? GoldenConv.Run(new GoldenFile(path), options)
                        : name.StartsWith("ssd_", StringComparison.Ordinal)
                            ? GoldenSsd.Run(new GoldenFile(path), options)
                            : other?.Invoke(path, options) ?? GoldenFile.Skipped(path, "no kernel of this program computes it");
            }
            catch (Exception e) when (e is InvalidDataException or KeyNotFoundException or ArgumentException or FormatException or OverflowException)
            {
                // A damaged or foreign file is a failure of that file, not of the run.
                result = GoldenFile.Failed(path, "", e.Message);
            }

            yield return result;
            if (result.Ok is null)
            {
                yield break;
            }
        }
    }
}
