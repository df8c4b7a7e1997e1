using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>The functions of NVIDIA's driver that kernels need, looked up in the driver's own library when a device is first asked for.</summary>
internal sealed unsafe class CudaDriver
{
    private static readonly Lock Gate = new();
    private static CudaDriver? _found;

    private readonly string _file;
    private readonly delegate* unmanaged<int, byte**, int> _errorName, _errorString;

    /// <exception cref="EntryPointNotFoundException">It is no driver, or one from before CUDA 11.</exception>
    /// <exception cref="CudaException">The driver does not start.</exception>
    public CudaDriver(nint library, string file)
    {
        _file = file;
        _errorName = (delegate* unmanaged<int, byte**, int>)Function("cuGetErrorName");
        _errorString = (delegate* unmanaged<int, byte**, int>)Function("cuGetErrorString");
        DriverGetVersion = (delegate* unmanaged<int*, int>)Function("cuDriverGetVersion");
        DeviceGetCount = (delegate* unmanaged<int*, int>)Function("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<int*, int, int>)Function("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, int, int>)Function("cuDeviceGetName");
        DeviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)Function("cuDeviceGetAttribute");
        PrimaryContextRetain = (delegate* unmanaged<nint*, int, int>)Function("cuDevicePrimaryCtxRetain");
        ContextPush = (delegate* unmanaged<nint, int>)Function("cuCtxPushCurrent_v2");
        ContextPop = (delegate* unmanaged<nint*, int>)Function("cuCtxPopCurrent_v2");
        ContextSynchronize = (delegate* unmanaged<int>)Function("cuCtxSynchronize");
        ModuleLoad = (delegate* unmanaged<nint*, byte*, uint, int*, nint*, int>)Function("cuModuleLoadDataEx");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Function("cuModuleGetFunction");
        FunctionGetAttribute = (delegate* unmanaged<int*, int, nint, int>)Function("cuFuncGetAttribute");
        FunctionSetAttribute = (delegate* unmanaged<nint, int, int, int>)Function("cuFuncSetAttribute");
        Launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, nint*, nint*, int>)Function("cuLaunchKernel");
        MemoryAllocate = (delegate* unmanaged<nint*, nuint, int>)Function("cuMemAlloc_v2");
        MemoryFree = (delegate* unmanaged<nint, int>)Function("cuMemFree_v2");
        MemorySet = (delegate* unmanaged<nint, byte, nuint, nint, int>)Function("cuMemsetD8Async");
        MemoryCopyIn = (delegate* unmanaged<nint, byte*, nuint, int>)Function("cuMemcpyHtoD_v2");
        MemoryCopyOut = (delegate* unmanaged<byte*, nint, nuint, int>)Function("cuMemcpyDtoH_v2");
        EventCreate = (delegate* unmanaged<nint*, uint, int>)Function("cuEventCreate");
        EventRecord = (delegate* unmanaged<nint, nint, int>)Function("cuEventRecord");
        EventSynchronize = (delegate* unmanaged<nint, int>)Function("cuEventSynchronize");
        EventElapsed = (delegate* unmanaged<float*, nint, nint, int>)Function("cuEventElapsedTime");
        EventDestroy = (delegate* unmanaged<nint, int>)Function("cuEventDestroy_v2");
        Check("cuInit", ((delegate* unmanaged<uint, int>)Function("cuInit"))(0), "the driver is installed and finds no GPU that it can use; see whether nvidia-smi lists one and CUDA_VISIBLE_DEVICES does not hide it, or keep tensors and models on the CPU");

        int version;
        Check("cuDriverGetVersion", DriverGetVersion(&version));
        Version = new(version / 1000, version % 1000 / 10);

        nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    // Names and signatures are those of cuda.h; handles and device addresses are pointer-sized, a device is an int.
    public delegate* unmanaged<int*, int> DriverGetVersion { get; }

    public delegate* unmanaged<int*, int> DeviceGetCount { get; }

    public delegate* unmanaged<int*, int, int> DeviceGet { get; }

    public delegate* unmanaged<byte*, int, int, int> DeviceGetName { get; }

    public delegate* unmanaged<int*, int, int, int> DeviceGetAttribute { get; }

    public delegate* unmanaged<nint*, int, int> PrimaryContextRetain { get; }

    public delegate* unmanaged<nint, int> ContextPush { get; }

    public delegate* unmanaged<nint*, int> ContextPop { get; }

    public delegate* unmanaged<int> ContextSynchronize { get; }

    public delegate* unmanaged<nint*, byte*, uint, int*, nint*, int> ModuleLoad { get; }

    public delegate* unmanaged<nint*, nint, byte*, int> ModuleGetFunction { get; }

    public delegate* unmanaged<int*, int, nint, int> FunctionGetAttribute { get; }

    public delegate* unmanaged<nint, int, int, int> FunctionSetAttribute { get; }

    public delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, nint*, nint*, int> Launch { get; }

    public delegate* unmanaged<nint*, nuint, int> MemoryAllocate { get; }

    public delegate* unmanaged<nint, int> MemoryFree { get; }

    public delegate* unmanaged<nint, byte, nuint, nint, int> MemorySet { get; }

    public delegate* unmanaged<nint, byte*, nuint, int> MemoryCopyIn { get; }

    public delegate* unmanaged<byte*, nint, nuint, int> MemoryCopyOut { get; }

    public delegate* unmanaged<nint*, uint, int> EventCreate { get; }

    public delegate* unmanaged<nint, nint, int> EventRecord { get; }

    public delegate* unmanaged<nint, int> EventSynchronize { get; }

    public delegate* unmanaged<float*, nint, nint, int> EventElapsed { get; }

    public delegate* unmanaged<nint, int> EventDestroy { get; }

    /// <summary>The newest CUDA version whose programs it runs.</summary>
    public Version Version { get; }

    /// <summary>The driver of this machine, loaded at the first call. A search that failed is made again.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    public static CudaDriver Library()
    {
        lock (Gate)
        {
            return _found ??= Load(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1");
        }
    }

    /// <exception cref="CudaException">It does not load, is no driver or does not start.</exception>
    public static CudaDriver Load(string file)
    {
        if (!NativeLibrary.TryLoad(file, out nint library))
        {
            throw new CudaException($"No NVIDIA driver was found ({file} does not load); install the GPU's driver, or keep tensors and models on the CPU.");
        }

        try
        {
            return new(library, file);
        }
        catch (EntryPointNotFoundException e)
        {
            throw new CudaException($"{file} is no NVIDIA driver for CUDA 11 or newer ({e.Message.TrimEnd('.')}); install a newer driver.");
        }
    }

    /// <summary>Throws where a call failed.</summary>
    /// <param name="function">What was called</param>
    /// <param name="code">What it returned</param>
    /// <param name="about">What it was about, and what to do</param>
    /// <param name="log">What the driver's own compiler said</param>
    public void Check(string function, int code, string? about = null, string? log = null)
    {
        if (code != 0)
        {
            throw new CudaException(_file, function, code, about is null ? Meaning(code) : $"{Meaning(code)}: {about}", log);
        }
    }

    private string Meaning(int code)
    {
        byte* name = null, words = null;
        return _errorName(code, &name) == 0 && _errorString(code, &words) == 0 && name != null && words != null
            ? $"{Marshal.PtrToStringUTF8((nint)name)} ({Marshal.PtrToStringUTF8((nint)words)})"
            : "a code unknown to the driver";
    }
}
