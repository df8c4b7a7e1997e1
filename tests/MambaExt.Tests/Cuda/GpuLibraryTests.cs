using System.Diagnostics;
using System.Runtime.InteropServices;
using MambaExt.Blocks;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Cuda;

/// <summary>When the libraries of a GPU are loaded, and what is asked of libtorch's. Each in a process of its own: nothing is unloaded again.</summary>
public sealed class GpuLibraryTests
{
    /// <summary>Both generations trained on the CPU, with a compiler at hand.</summary>
    [Fact]
    public async Task Nothing_of_a_gpu_is_loaded_before_a_tensor_lies_on_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "what is loaded is read as on Linux");
        if (OtherProcess.Part is null)
        {
            using Process other = OtherProcess.Start($"{typeof(GpuLibraryTests).FullName}.{nameof(Nothing_of_a_gpu_is_loaded_before_a_tensor_lies_on_one)}", "train");
            await OtherProcess.Passes(other);
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        using var one = new MambaBlock(new MambaOptions(8));
        using var two = new Mamba2Block(new Mamba2Options(16) { d_state = 8, headdim = 8 });
        one.forward(randn(1, 20, 8)).sum().backward();
        two.forward(randn(1, 20, 16)).sum().backward();
        Assert.DoesNotContain(Loaded(), name => name.StartsWith("libnvrtc", StringComparison.Ordinal) || name.StartsWith("libcuda.so", StringComparison.Ordinal));
        Assert.Contains(Loaded(), name => name.StartsWith("libtorch_cpu", StringComparison.Ordinal));

        // The same list knows a compiler that has been loaded.
        if (NvrtcFiles.Names.Concat(Directory.Exists(Nvrtc) ? NvrtcFiles.Under(Nvrtc) : []).Any(name => NativeLibrary.TryLoad(name, out _)))
        {
            Assert.Contains(Loaded(), name => name.StartsWith("libnvrtc", StringComparison.Ordinal));
        }
    }

    /// <summary>A library in the place of libtorch's, which tells a stream, fails for the second GPU, or knows no such function.</summary>
    [Theory]
    [InlineData("int aoti_torch_get_current_cuda_stream(int device, void** stream) { *stream = (void*)(4096l + device); return device == 1 ? 7 : 0; }", "told")]
    [InlineData("int something_else(void) { return 0; }", "silent")]
    public async Task The_stream_is_the_one_that_libtorch_tells(string text, string part)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && NativeProgram.Find("g++") is not null, "the library is made by g++ on Linux (Debian and Ubuntu: g++)");
        if (OtherProcess.Part is { } here)
        {
            // Both rows of this theory run there; one of them is meant.
            if (here == part)
            {
                Assert.Equal(part == "told" ? (4096, 0, 4098) : (0, 0, 0), (TorchStream.Current(0), TorchStream.Current(1), TorchStream.Current(2)));
            }

            return;
        }

        using TemporaryFolder folder = new();
        var (code, _, error) = NativeProgram.Run("g++", ["-x", "c", "-shared", "-fPIC", "-o", folder.File("libtorch_cuda.so"), "-"], text);
        Assert.True(code == 0, error);
        string search = $"{folder.Path}:{Environment.GetEnvironmentVariable("LD_LIBRARY_PATH")}".TrimEnd(':');
        using Process other = OtherProcess.Start($"{typeof(GpuLibraryTests).FullName}.{nameof(The_stream_is_the_one_that_libtorch_tells)}", part, ("LD_LIBRARY_PATH", search));
        await OtherProcess.Passes(other, tests: 2);
    }

    private static string Nvrtc => Environment.GetEnvironmentVariable("MAMBAEXT_NVRTC") ?? "";

    /// <summary>File names of the libraries in this process.</summary>
    private static HashSet<string> Loaded() => [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains('/')).Select(line => Path.GetFileName(line[line.IndexOf('/')..]))];
}
