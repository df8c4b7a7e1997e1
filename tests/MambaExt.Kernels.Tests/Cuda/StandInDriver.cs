using System.Runtime.InteropServices;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>tests/gpu/driver.cpp, compiled and loaded.</summary>
internal sealed unsafe class StandInDriver : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly nint _library;

    public StandInDriver()
    {
        File = _folder.File("libcuda.so.1");
        (int code, _, string error) = NativeProgram.Run(Compiler!, ["-x", "c++", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-o", File, "-"], TestText.Read("driver.cpp"));
        Xunit.Assert.True(code == 0, error);
        _library = NativeLibrary.Load(File);
    }

    public static string? Compiler { get; } = OperatingSystem.IsLinux() ? NativeProgram.Find("g++") : null;

    public string File { get; }

    public int Launches => Call("fake_launches");

    public int Modules => Call("fake_modules");

    /// <summary>Memory and events not given back.</summary>
    public int Held => Call("fake_allocations");

    /// <summary>Contexts that this thread has entered and not left.</summary>
    public int Depth => Call("fake_depth");

    public CudaDriver Start(int devices = 2, int capability = 90)
    {
        ((delegate* unmanaged<int, int, int>)NativeLibrary.GetExport(_library, "fake_setup"))(devices, capability);
        return CudaDriver.Load(File);
    }

    public void Dispose() => _folder.Dispose();

    private int Call(string name) => ((delegate* unmanaged<int>)NativeLibrary.GetExport(_library, name))();
}
