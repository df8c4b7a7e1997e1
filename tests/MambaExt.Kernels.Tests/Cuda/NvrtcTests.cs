using System.Runtime.InteropServices;
using System.Text;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

public sealed class NvrtcTests(ITestOutputHelper output)
{
    private const string Fill = """
        template <typename T> struct FillArguments { T* target; i64 count; float value; };

        template <typename T, int K> __global__ void fill(FillArguments<T> a) {
            i64 i = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x;
            if (i < a.count) {
                store(a.target + i, typename Wide<T>::type(a.value) * K);
            }
        }
        """;

    private static readonly KernelSource Source = KernelSource.FromText("fill.cu", Fill);

    [Theory]
    [InlineData("fill<float, 1>")]
    [InlineData("fill<double, 2>")]
    [InlineData("fill<bf16, 3>")]
    [InlineData("fill<f16, 4>")]
    public void AnInstanceBecomesMachineCodeOrPtx(string instance)
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        CompiledKernel code = compiler.Compile(Source, instance, FakeCompiler.Sm90);
        Assert.StartsWith("\u007fELF", Encoding.Latin1.GetString(code.Image, 0, 4), StringComparison.Ordinal);
        Assert.StartsWith("_Z4fill", code.Symbol, StringComparison.Ordinal);
        Assert.Contains(code.Symbol, Encoding.Latin1.GetString(code.Image), StringComparison.Ordinal);
        KernelUsage usage = KernelUsage.Parse(code.Log);
        output.WriteLine($"{compiler.Description}: {code.Symbol}, {code.Image.Length} bytes, {usage}");
        Assert.InRange(usage.Registers, 4, 32);
        Assert.Equal(0, usage.SpillStores + usage.SpillLoads);
        Assert.DoesNotContain("warning", code.Log, StringComparison.OrdinalIgnoreCase);

        CompiledKernel text = compiler.Compile(Source, instance, new(80, IsPtx: true));
        Assert.Equal(0, text.Image[^1]);
        Assert.Contains($".entry {text.Symbol}(", Encoding.ASCII.GetString(text.Image), StringComparison.Ordinal);
        Assert.Contains(".target sm_80", Encoding.ASCII.GetString(text.Image), StringComparison.Ordinal);
    }

    [Fact]
    public void ItKnowsTheGpusOfItsTime()
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        Assert.Contains(80, compiler.Supported());
        Assert.Contains(90, compiler.Supported());
        Assert.InRange(compiler.Version.Major, 11, 99);
    }

    [Fact]
    public void AnErrorComesWithFileLineAndInstance()
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        var wrong = KernelSource.FromText("wrong.cu", "// first line\n__global__ void wrong(int a) {\n    undeclared = a;\n}\n");
        CudaException error = Assert.Throws<CudaException>(() => compiler.Compile(wrong, "wrong", FakeCompiler.Sm90));
        Assert.Equal("nvrtcCompileProgram", error.Function);
        Assert.Contains("wrong.cu(3): error: identifier \"undeclared\" is undefined", error.Log, StringComparison.Ordinal);
        Assert.Contains("NVRTC_ERROR_COMPILATION: wrong of wrong.cu for sm_90", error.Message, StringComparison.Ordinal);
        Assert.Contains("error", Assert.Throws<CudaException>(() => compiler.Compile(Source, "fill<float>", FakeCompiler.Sm90)).Log, StringComparison.Ordinal);
    }

    [Fact]
    public void ThreadsCompileSideBySide()
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        string[] symbols = new string[8];
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => new Thread(() => symbols[i] = compiler.Compile(Source, $"fill<float, {i}>", FakeCompiler.Sm90).Symbol))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(Enumerable.Range(0, 8), symbols.Select(symbol => int.Parse(symbol[(symbol.IndexOf("Li", StringComparison.Ordinal) + 2)..symbol.IndexOf("EE", StringComparison.Ordinal)], null)));
    }

    [Fact]
    public void FirstUseIsQuickAndFromTheDiskQuicker()
    {
        NvrtcLibrary compiler = Nvrtc.OrSkip();
        using TemporaryFolder folder = new();
        double first = Time(), second = Time();
        output.WriteLine($"4 small kernels: {first:0} ms compiled, {second:0.0} ms from the disk");
        Assert.True(second < first / 2, $"{second} ms from the disk, {first} ms compiled");

        double Time()
        {
            CubinCache cache = new(folder.Path, compiler);
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            for (int i = 10; i < 14; i++)
            {
                cache.Get(Source, $"fill<float, {i}>", FakeCompiler.Sm90);
            }

            return System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    [Fact]
    public void AFolderIsSearchedForPlainAndHashedNames()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names are those of Linux");
        using TemporaryFolder folder = new();
        string old = folder.Write("libnvrtc.so.11.2"), hashed = folder.Write("libnvrtc-0a1b2c3d.so.12"), builtins = folder.Write("libnvrtc-builtins.so.12.4");
        folder.Write("libnvrtc.alt.so.13");
        folder.Write("libnvrtc_static.a");
        Assert.Equal([hashed, old], NvrtcSearch.Candidates(folder.Path, []));
        Assert.Equal([builtins], NvrtcFiles.BuiltinsIn(folder.Path));

        IReadOnlyList<string> usual = NvrtcSearch.Candidates(null, [folder.Path]);
        Assert.Equal([hashed, old], usual.Take(2));
        Assert.Subset(usual.ToHashSet(), new HashSet<string> { "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so" });
        Assert.Equal([old], NvrtcSearch.Candidates(old, [folder.Path]));

        using TemporaryFolder packages = new();
        string inPackage = packages.Write("nvidia", "cuda_nvrtc", "lib", "libnvrtc.so.12");
        Assert.Equal([inPackage], NvrtcSearch.Candidates(packages.Path, []));
    }

    [Fact]
    public void ACompilerThatTheDriverUnderstandsComesFirst()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names are those of Linux");
        string[] all = ["/a/libnvrtc-0a1b.so.13", "/a/libnvrtc.so.12.4.127", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];
        Assert.Equal(all, NvrtcSearch.InOrderFor(new Version(13, 0), all));
        Assert.Equal([all[1], all[3], all[4], all[5], all[0], all[2]], NvrtcSearch.InOrderFor(new Version(12, 8), all));
        Assert.Equal([all[4], all[5], all[0], all[1], all[2], all[3]], NvrtcSearch.InOrderFor(new Version(11, 4), all));
    }

    [Fact]
    public void WhatIsNoCompilerIsRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names are those of Linux");
        using TemporaryFolder folder = new();
        string text = folder.Write("libnvrtc.so.12");
        Assert.Contains("allowed", Refused(text), StringComparison.Ordinal);
        Assert.Contains("libm.so.6 is no NVRTC of CUDA 11.2 or newer", Refused("libm.so.6"), StringComparison.Ordinal);
        Assert.Contains("TorchSharp's CUDA package", Assert.Throws<CudaException>(() => NvrtcSearch.Load([])).Message, StringComparison.Ordinal);

        static string Refused(string chosen) => Assert.Throws<CudaException>(() => NvrtcSearch.Load(NvrtcSearch.Candidates(chosen, []), chosen)).Message;
    }
}
