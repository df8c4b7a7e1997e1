using System.Diagnostics;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The golden files of every operator through the CUDA sources: in the type they are stored in, and in bfloat16 and half.</summary>
public class CudaGoldenTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("conv_", 19)]
    [InlineData("scan_", 234)]
    [InlineData("scanx_", 17)]
    [InlineData("ssd_", 11)]
    public void Golden_files_pass_on_the_emulated_gpu(string prefix, int files)
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        string[] paths = [.. Directory.GetFiles(SharedData.Require("golden", "scan"), $"{prefix}*.safetensors").Order(StringComparer.Ordinal)];
        long start = Stopwatch.GetTimestamp();
        GoldenResult[] results = [.. paths.SelectMany(path => GoldenFiles.OnGpu(path, gpu))];
        output.WriteLine($"{paths.Length} files, {results.Length} runs, {Stopwatch.GetElapsedTime(start).TotalSeconds:f1} s, the compiler included where it had to run");
        foreach (var type in results.GroupBy(r => r.Kernel))
        {
            GoldenResult worst = type.MaxBy(r => r.WorstError / r.Tolerance)!;
            output.WriteLine($"{type.Key}: worst {worst.WorstError:e1} of {worst.Tolerance:e0} ({worst.File}, {worst.Reason})");
        }

        Assert.Equal(files, paths.Length);
        Assert.All(results, r => Assert.True(r.Ok, $"{r.File}, {r.Kernel}: {r.Reason}, error {r.WorstError:e1}, allowed {r.Tolerance:e0}"));

        // Each type has run, so that none is left out unseen.
        HashSet<string> types = [.. results.Select(r => r.Kernel[(r.Kernel.LastIndexOf(' ') + 1)..])];
        Assert.All(prefix == "scanx_" ? ["single", "bfloat16"] : new[] { "single", "bfloat16", "half" }, type => Assert.Contains(type, types));
    }

    [Fact]
    public void Results_of_a_gpu_are_judged_by_the_rows_of_their_type()
    {
        using EmulatedGpu gpu = Emulated.Gpu();
        string path = Path.Combine(SharedData.Require("golden", "scan"), "conv_L65_D17_W4_b1_silu_init_gfinal.safetensors");
        GoldenResult[] results = [.. GoldenFiles.OnGpu(path, gpu)];
        Assert.Equal(["single", "bfloat16", "half"], results.Select(r => r.Kernel[(r.Kernel.LastIndexOf(' ') + 1)..]));
        Assert.All(results, r => Assert.Equal((gpu.Name, 0), (r.Device, r.VectorBits)));

        // Rounding what is stored is most of the error of 16 bits: below a unit in the last place, above none.
        Assert.InRange(results[1].WorstError, 5e-4, 8e-3);
        Assert.InRange(results[2].WorstError, 6e-5, 1e-3);
        Assert.True(results[0].WorstError < 1e-6);
    }
}
