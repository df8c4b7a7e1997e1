using System.Diagnostics;
using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The device over a driver that keeps memory in the CPU's and checks every call.</summary>
public sealed class CudaDeviceTests(CudaDeviceTests.Fixture fixture, ITestOutputHelper output) : IClassFixture<CudaDeviceTests.Fixture>
{
    private const string Instance = "fill";
    private static readonly KernelSource Source = KernelSource.FromText("fill.cu", "");

    [Fact]
    public void WithoutADriverTheSentenceSaysWhatToDo()
    {
        Assert.SkipWhen(NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _), "this machine has a driver");
        CudaException error = Assert.Throws<CudaException>(() => CudaDevice.Get(0));
        Assert.Contains("No NVIDIA driver was found", error.Message, StringComparison.Ordinal);
        Assert.Contains("install the GPU's driver", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALibraryThatIsNoDriverIsRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the name is one of Linux");
        Assert.Contains("libm.so.6 is no NVIDIA driver", Assert.Throws<CudaException>(() => CudaDriver.Load("libm.so.6")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AKernelGetsItsArgumentOnAnyThread()
    {
        CudaDevice device = Device();
        Assert.Equal(("Stand-in GPU", 90, 232448, "sm_90"), (device.Name, device.Capability, device.SharedBytes, device.Target));
        nint memory = device.Allocate(40);
        device.Clear(memory, 40);
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(() =>
        {
            device.Launch(Source, Instance, new(1, 32), new Fill(memory, 9, 2.5f));
            Assert.Equal(0, fixture.Driver!.Depth);
        }));
        thread.Start();
        thread.Join();
        Assert.Null(error);
        device.Synchronize();
        float[] back = new float[10];
        device.CopyOut(MemoryMarshal.AsBytes(back.AsSpan()), memory);
        Assert.Equal([2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 0], back);
        device.CopyIn(memory, MemoryMarshal.AsBytes<float>([7]));
        device.CopyOut(MemoryMarshal.AsBytes(back.AsSpan(0, 2)), memory);
        Assert.Equal([7, 2.5f], back[..2]);
        device.Free(memory);
        Assert.Equal((1, 0, 0), (fixture.Driver!.Launches, fixture.Driver.Held, fixture.Driver.Depth));
    }

    [Fact]
    public void AKernelIsLoadedOnceAndTakesAllSharedMemoryTheGpuHas()
    {
        CudaDevice device = Device();
        nint memory = device.Allocate(4);
        device.Launch(Source, Instance, new(1, 32, 200_000), new Fill(memory, 1, 1));
        device.Launch(Source, Instance, new(1, 32), new Fill(memory, 1, 1));
        device.Launch(Source, Instance, new(0, 32), new Fill(memory, 1, 1));
        Assert.Equal((1, 2), (fixture.Driver!.Modules, fixture.Driver.Launches));
        string message = Assert.Throws<ArgumentException>(() => device.Launch(Source, Instance, new(1, 32, 232_449), new Fill(memory, 1, 1))).Message;
        Assert.Contains("at most 232448", message, StringComparison.Ordinal);
        // Together with what the kernel itself declares it is too much, which the driver says.
        CudaException error = Assert.Throws<CudaException>(() => device.Launch(Source, Instance, new(1, 32, 232_448), new Fill(memory, 1, 1)));
        Assert.Equal("cuLaunchKernel", error.Function);
        Assert.Contains("fill with 1 blocks of 32 threads and 232448 bytes", error.Message, StringComparison.Ordinal);
        device.Free(memory);
        Assert.Equal(0, fixture.Driver.Depth);
    }

    // Neither compiles unless both have begun.
    [Fact]
    public void TheBackwardPassIsCompiledBesideTheForwardPass()
    {
        using Barrier both = new(2);
        FakeCompiler compiler = new() { Begins = instance => Assert.True(instance == "conv_sums<float>" || both.SignalAndWait(TimeSpan.FromMinutes(1))) };
        CudaDevice device = Device(compiler: compiler);
        nint memory = device.Allocate(4);
        device.Launch(KernelSource.CausalConv1d, "conv_forward<float, 4, false>", new(1, 32), new Fill(memory, 1, 1));
        Assert.Equal(1, fixture.Driver!.Modules);
        device.Launch(KernelSource.CausalConv1d, "conv_backward<float, 4, false>", new(1, 32), new Fill(memory, 1, 1));
        device.Launch(KernelSource.CausalConv1d, "conv_sums<float>", new(1, 32), new Fill(memory, 1, 1));
        Assert.Equal((3, 3), (compiler.Compiled, fixture.Driver.Modules));
        device.Free(memory);
    }

    [Fact]
    public void FromTheDiskAStepsKernelsTakeATenthOfASecond()
    {
        using TemporaryFolder folder = new();
        string[] kernels = ["ssd_scores<bf16>", .. KernelInstances.After(KernelSource.StateSpaceDuality, "ssd_scores<bf16>")];
        double first = Time(out int compiled);
        Assert.Equal(kernels.Length, compiled);
        double least = Enumerable.Range(0, 5).Select(_ => Time(out compiled)).Min();
        Assert.Equal(0, compiled);
        Assert.True(least < 100, $"{least:f1} ms at best from the disk for {kernels.Length} kernels");
        output.WriteLine($"{kernels.Length} kernels of 64 KB: {first:f1} ms with a compiler that takes no time, {least:f1} ms from the disk");

        double Time(out int compiled)
        {
            FakeCompiler compiler = new() { Padding = 64 << 10 };
            CubinCache cache = new(folder.Path, compiler);
            CudaDevice device = Device(compiler: compiler, cache: cache);
            nint memory = device.Allocate(4);
            long start = Stopwatch.GetTimestamp();
            foreach (string one in kernels)
            {
                device.Launch(KernelSource.StateSpaceDuality, one, new(1, 32), new Fill(memory, 1, 1));
            }

            double time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            cache.EndExpected();
            compiled = compiler.Compiled;
            device.Free(memory);
            return time;
        }
    }

    [Fact]
    public void ErrorsNameLibraryFunctionCodeAndMeaning()
    {
        CudaDevice device = Device();
        CudaException error = Assert.Throws<CudaException>(() => device.Allocate(1L << 40));
        Assert.Equal((fixture.Driver!.File, "cuMemAlloc", 2), (error.Library, error.Function, error.Code));
        Assert.Contains("returned 2, CUDA_ERROR_OUT_OF_MEMORY (out of memory): 1099511627776 bytes on GPU 0, Stand-in GPU", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, fixture.Driver.Depth);
    }

    [Fact]
    public void AnImageThatTheDriverRefusesIsExplained()
    {
        CudaDevice device = Device(compiler: new() { Magic = "ELF" });
        CudaException error = Assert.Throws<CudaException>(() => device.Launch(Source, Instance, new(1, 32), new Fill(0, 0, 0)));
        Assert.Equal(("cuModuleLoadDataEx", 200, "no such magic"), (error.Function, error.Code, error.Log));
        Assert.Contains("compiled by fake.so, of CUDA 1.0; the driver is of CUDA 12.4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 90, 2, "GPU 2 was asked for; allowed are 0 to 1")]
    [InlineData(2, 90, -1, "GPU -1 was asked for")]
    [InlineData(1, 61, 0, "has compute capability 6.1; kernels need 7.0 (Volta, 2017) or newer")]
    [InlineData(1, 70, 0, "has compute capability 7.0, which fake.so, of CUDA 1.0 no longer knows; set MAMBAEXT_NVRTC to an older NVRTC")]
    public void ADeviceThatCannotServeIsNamed(int devices, int capability, int ordinal, string expected)
    {
        CudaException error = Assert.Throws<CudaException>(() => Device(devices, capability, ordinal, new() { Known = [75, 80, 90] }));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADriverWithoutAGpuSaysSo()
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        CudaException error = Assert.Throws<CudaException>(() => fixture.Driver!.Start(devices: 0));
        Assert.Equal(("cuInit", 100), (error.Function, error.Code));
        Assert.Contains("CUDA_ERROR_NO_DEVICE", error.Message, StringComparison.Ordinal);
        Assert.Contains("see whether nvidia-smi lists one and CUDA_VISIBLE_DEVICES does not hide it, or keep tensors and models on the CPU", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheClockNeedsBothEnds()
    {
        CudaDevice device = Device();
        using (GpuTimer timer = device.CreateTimer())
        {
            timer.Start();
            Assert.Throws<CudaException>(() => timer.Milliseconds());
            timer.Stop();
            Assert.Equal(1.5, timer.Milliseconds());
        }

        Assert.Equal((0, 0), (fixture.Driver!.Held, fixture.Driver.Depth));
    }

    [Theory]
    [InlineData(90, new[] { 70, 80, 90 }, "sm_90")]
    [InlineData(89, new[] { 70, 80, 90 }, "sm_80")] // runs what its elder sister runs
    [InlineData(120, new[] { 70, 80, 90 }, "compute_90")]
    [InlineData(70, new[] { 50, 60, 70 }, "sm_70")]
    [InlineData(75, new[] { 50, 60, 80 }, null)]
    [InlineData(60, new[] { 50, 60, 70 }, null)]
    public void TheTargetIsTheNewestThatBothKnow(int capability, int[] supported, string? expected) =>
        Assert.Equal(expected, GpuTarget.Of(capability, supported)?.Name);

    private CudaDevice Device(int devices = 2, int capability = 90, int ordinal = 0, FakeCompiler? compiler = null, CubinCache? cache = null)
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        compiler ??= new();
        return new(fixture.Driver!.Start(devices, capability), ordinal, compiler, cache ?? new(null, compiler));
    }

    /// <summary>The argument of the stand-in's kernel.</summary>
    private readonly record struct Fill(nint Target, long Count, float Value);

    public sealed class Fixture : IDisposable
    {
        internal string? Missing { get; } = StandInDriver.Compiler is null ? "the stand-in driver needs Linux and g++ (Debian and Ubuntu: g++)" : null;

        internal StandInDriver? Driver { get; } = StandInDriver.Compiler is null ? null : new();

        public void Dispose() => Driver?.Dispose();
    }
}
