using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// An NVIDIA GPU through its driver, in the context that the CUDA runtime and so libtorch use too: addresses and streams of either are
/// valid here. Any thread may call.
/// </summary>
public sealed unsafe class CudaDevice : GpuDevice
{
    // Numbers of cuda.h.
    private const int AttributeClock = 13, AttributeMultiprocessors = 16, AttributeMajor = 75, AttributeMinor = 76, AttributeSharedOptIn = 97;
    private const int FunctionStaticShared = 1, FunctionDynamicShared = 8;
    private const int JitErrorLog = 5, JitErrorLogBytes = 6;
    private const int LogBytes = 8192;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<int, CudaDevice> Devices = [];
    private static CubinCache? _sharedCache;

    private readonly CudaDriver _driver;
    private readonly CubinCache _cache;
    private readonly string _compiler;
    private readonly GpuTarget _target;
    private readonly nint _context;
    private readonly ConcurrentDictionary<(KernelSource Source, string Instance), Lazy<nint>> _functions = new();

    /// <summary>A device of a driver, with kernels from a cache.</summary>
    internal CudaDevice(CudaDriver driver, int ordinal, IKernelCompiler compiler, CubinCache cache)
    {
        (_driver, _cache, _compiler) = (driver, cache, compiler.Description);
        int count, device;
        driver.Check("cuDeviceGetCount", driver.DeviceGetCount(&count));
        if (ordinal < 0 || ordinal >= count)
        {
            throw new CudaException($"GPU {ordinal} was asked for; {(count == 0 ? "this machine has none" : $"allowed are 0 to {count - 1}")} (CUDA_VISIBLE_DEVICES hides others).");
        }

        driver.Check("cuDeviceGet", driver.DeviceGet(&device, ordinal));
        byte* name = stackalloc byte[256];
        driver.Check("cuDeviceGetName", driver.DeviceGetName(name, 255, device));
        Name = Marshal.PtrToStringUTF8((nint)name) ?? "";
        Ordinal = ordinal;
        Capability = (Attribute(device, AttributeMajor) * 10) + Attribute(device, AttributeMinor);
        SharedBytes = Attribute(device, AttributeSharedOptIn);
        Multiprocessors = Attribute(device, AttributeMultiprocessors);
        ClockMegahertz = Attribute(device, AttributeClock) / 1000;
        if (Capability < GpuTarget.Oldest)
        {
            throw new CudaException($"GPU {ordinal}, {Name}, has compute capability {Dotted(Capability)}; kernels need 7.0 (Volta, 2017) or newer, so keep tensors and models on the CPU.");
        }

        _target = GpuTarget.Of(Capability, compiler.Supported()) ?? throw new CudaException(
            $"GPU {ordinal}, {Name}, has compute capability {Dotted(Capability)}, which {_compiler} no longer knows; set MAMBAEXT_NVRTC to an older NVRTC.");
        nint context;
        driver.Check("cuDevicePrimaryCtxRetain", driver.PrimaryContextRetain(&context, device));
        _context = context;
    }

    /// <summary>Its number, from 0.</summary>
    public int Ordinal { get; }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>Compute capability, major times 10 plus minor: 90 is 9.0.</summary>
    public int Capability { get; }

    /// <inheritdoc/>
    public override int SharedBytes { get; }

    /// <summary>Multiprocessors.</summary>
    public int Multiprocessors { get; }

    /// <summary>Their highest clock.</summary>
    public int ClockMegahertz { get; }

    /// <summary>What kernels are compiled for, such as <c>sm_90</c>.</summary>
    public string Target => _target.Name;

    /// <summary>The GPU of that number; the driver and the compiler are loaded at the first call.</summary>
    /// <exception cref="CudaException">No driver, no such GPU, one too old, or no compiler; says what to do.</exception>
    public static CudaDevice Get(int ordinal)
    {
        lock (Gate)
        {
            if (!Devices.TryGetValue(ordinal, out CudaDevice? device))
            {
                CudaDriver driver = CudaDriver.Library();
                NvrtcLibrary compiler = NvrtcSearch.Library(driver.Version);
                _sharedCache ??= new(CubinCache.DefaultFolder(Environment.GetEnvironmentVariable), compiler);
                Devices[ordinal] = device = new(driver, ordinal, compiler, _sharedCache);
            }

            return device;
        }
    }

    /// <inheritdoc/>
    public override nint Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nint address;
        using (Enter())
        {
            _driver.Check("cuMemAlloc", _driver.MemoryAllocate(&address, (nuint)Math.Max(bytes, 1)), $"{bytes} bytes on GPU {Ordinal}, {Name}");
        }

        return address;
    }

    /// <inheritdoc/>
    public override void Free(nint address)
    {
        if (address != 0)
        {
            using CudaContext context = Enter();
            Wait();
            _driver.Check("cuMemFree", _driver.MemoryFree(address));
        }
    }

    /// <inheritdoc/>
    public override void Clear(nint address, long bytes, nint stream = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > 0)
        {
            using CudaContext context = Enter();
            _driver.Check("cuMemsetD8Async", _driver.MemorySet(address, 0, (nuint)bytes, stream));
        }
    }

    /// <inheritdoc/>
    public override void CopyIn(nint target, ReadOnlySpan<byte> source)
    {
        if (source.Length > 0)
        {
            using CudaContext context = Enter();
            Wait();
            fixed (byte* first = source)
            {
                _driver.Check("cuMemcpyHtoD", _driver.MemoryCopyIn(target, first, (nuint)source.Length));
            }

            Wait(); // from ordinary memory the call returns before the last bytes have arrived
        }
    }

    /// <inheritdoc/>
    public override void CopyOut(Span<byte> target, nint source)
    {
        if (target.Length > 0)
        {
            using CudaContext context = Enter();
            Wait();
            fixed (byte* first = target)
            {
                _driver.Check("cuMemcpyDtoH", _driver.MemoryCopyOut(first, source, (nuint)target.Length));
            }
        }
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        using CudaContext context = Enter();
        Wait();
    }

    /// <summary>A clock on the device's own time line.</summary>
    public GpuTimer CreateTimer() => new(_driver, _context);

    /// <inheritdoc/>
    protected override void Launch(KernelSource source, string instance, LaunchSize size, nint arguments, nint stream)
    {
        nint function = Function(source, instance);
        using CudaContext context = Enter();
        int code = _driver.Launch(function, (uint)size.Blocks, 1, 1, (uint)size.Threads, 1, 1, (uint)size.SharedBytes, stream, &arguments, null);
        _driver.Check("cuLaunchKernel", code, $"{instance} with {size.Blocks} blocks of {size.Threads} threads and {size.SharedBytes} bytes of shared memory");
    }

    private static string Dotted(int capability) => $"{capability / 10}.{capability % 10}";

    private CudaContext Enter() => new(_driver, _context);

    // All streams, also those that the default stream does not wait for.
    private void Wait() => _driver.Check("cuCtxSynchronize", _driver.ContextSynchronize(), "a kernel or copy queued before failed");

    private int Attribute(int device, int attribute)
    {
        int value;
        _driver.Check("cuDeviceGetAttribute", _driver.DeviceGetAttribute(&value, attribute, device));
        return value;
    }

    private nint Function(KernelSource source, string instance)
    {
        Lazy<nint> function = _functions.GetOrAdd((source, instance), key => new(() => Load(key.Source, key.Instance)));
        try
        {
            return function.Value;
        }
        catch
        {
            _functions.TryRemove(new((source, instance), function));
            throw;
        }
    }

    private nint Load(KernelSource source, string instance)
    {
        KernelInstances.Require(source, instance);
        _cache.Expect(source, KernelInstances.After(source, instance), _target);
        CompiledKernel kernel = _cache.Get(source, instance, _target);
        using CudaContext context = Enter();
        nint module = LoadModule(kernel, instance), function;
        fixed (byte* symbol = Encoding.UTF8.GetBytes(kernel.Symbol + '\0'))
        {
            _driver.Check("cuModuleGetFunction", _driver.ModuleGetFunction(&function, module, symbol), instance);
        }

        // Beyond 48 KB a kernel must ask once; the limit is one of both kinds of shared memory together.
        int fixedShared;
        _driver.Check("cuFuncGetAttribute", _driver.FunctionGetAttribute(&fixedShared, FunctionStaticShared, function), instance);
        _driver.Check("cuFuncSetAttribute", _driver.FunctionSetAttribute(function, FunctionDynamicShared, SharedBytes - fixedShared), instance);
        return function;
    }

    private nint LoadModule(CompiledKernel kernel, string instance)
    {
        byte[] log = new byte[LogBytes];
        nint module;
        int code;
        fixed (byte* image = kernel.Image, text = log)
        {
            int* options = stackalloc int[] { JitErrorLog, JitErrorLogBytes };
            nint* values = stackalloc nint[] { (nint)text, LogBytes };
            code = _driver.ModuleLoad(&module, image, 2, options, values);
        }

        _driver.Check("cuModuleLoadDataEx", code,
            $"{instance} for {Target}, compiled by {_compiler}; the driver is of CUDA {_driver.Version}, and where the compiler is newer, set MAMBAEXT_NVRTC to an older one or update the driver",
            Encoding.UTF8.GetString(log).TrimEnd('\0'));
        return module;
    }
}
