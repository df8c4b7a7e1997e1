using System.Runtime.InteropServices;
using System.Text;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// NVIDIA's compiler library, as far as kernels need it. Functions are looked up in the library that was found, at the time a kernel is
/// first asked for: a program that never meets a GPU needs none, and the one import resolver that .NET allows an assembly stays free.
/// </summary>
internal sealed unsafe class NvrtcLibrary : IKernelCompiler
{
    // Machine code comes with the registers and spills of each kernel in the log; the option changes no code.
    private static readonly string[] Options = ["--std=c++17", "--ptxas-options=-v"];

    private readonly string _file;
    private readonly delegate* unmanaged<int*, int*, int> _version;
    private readonly delegate* unmanaged<int, byte*> _errorString;
    private readonly delegate* unmanaged<int*, int> _supportedCount;
    private readonly delegate* unmanaged<int*, int> _supported;
    private readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> _create;
    private readonly delegate* unmanaged<nint*, int> _destroy;
    private readonly delegate* unmanaged<nint, byte*, int> _addName;
    private readonly delegate* unmanaged<nint, int, byte**, int> _compile;
    private readonly delegate* unmanaged<nint, byte*, byte**, int> _loweredName;
    private readonly delegate* unmanaged<nint, nuint*, int> _logSize, _cubinSize, _ptxSize;
    private readonly delegate* unmanaged<nint, byte*, int> _log, _cubin, _ptx;

    /// <exception cref="EntryPointNotFoundException">It is no NVRTC, or one from before 11.2.</exception>
    public NvrtcLibrary(nint library, string file)
    {
        _file = file;
        _version = (delegate* unmanaged<int*, int*, int>)Function("nvrtcVersion");
        _errorString = (delegate* unmanaged<int, byte*>)Function("nvrtcGetErrorString");
        _supportedCount = (delegate* unmanaged<int*, int>)Function("nvrtcGetNumSupportedArchs");
        _supported = (delegate* unmanaged<int*, int>)Function("nvrtcGetSupportedArchs");
        _create = (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Function("nvrtcCreateProgram");
        _destroy = (delegate* unmanaged<nint*, int>)Function("nvrtcDestroyProgram");
        _addName = (delegate* unmanaged<nint, byte*, int>)Function("nvrtcAddNameExpression");
        _compile = (delegate* unmanaged<nint, int, byte**, int>)Function("nvrtcCompileProgram");
        _loweredName = (delegate* unmanaged<nint, byte*, byte**, int>)Function("nvrtcGetLoweredName");
        _logSize = (delegate* unmanaged<nint, nuint*, int>)Function("nvrtcGetProgramLogSize");
        _log = (delegate* unmanaged<nint, byte*, int>)Function("nvrtcGetProgramLog");
        _cubinSize = (delegate* unmanaged<nint, nuint*, int>)Function("nvrtcGetCUBINSize");
        _cubin = (delegate* unmanaged<nint, byte*, int>)Function("nvrtcGetCUBIN");
        _ptxSize = (delegate* unmanaged<nint, nuint*, int>)Function("nvrtcGetPTXSize");
        _ptx = (delegate* unmanaged<nint, byte*, int>)Function("nvrtcGetPTX");

        int major, minor;
        Check("nvrtcVersion", _version(&major, &minor));
        Version = new Version(major, minor);

        nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <summary>The CUDA version it belongs to.</summary>
    public Version Version { get; }

    /// <inheritdoc/>
    public string Description => $"{_file}, of CUDA {Version}";

    /// <inheritdoc/>
    public string Identity => $"nvrtc {Version} {string.Join(' ', Options)}";

    /// <inheritdoc/>
    public IReadOnlyList<int> Supported()
    {
        int count;
        Check("nvrtcGetNumSupportedArchs", _supportedCount(&count));
        int[] all = new int[count];
        fixed (int* first = all)
        {
            Check("nvrtcGetSupportedArchs", _supported(first));
        }

        return all;
    }

    /// <inheritdoc/>
    public CompiledKernel Compile(KernelSource source, string instance, GpuTarget target)
    {
        nint program;
        byte[] name = Zero(instance);
        fixed (byte* text = Zero(source.Text), file = Zero(source.Name), expression = name)
        {
            Check("nvrtcCreateProgram", _create(&program, text, file, 0, null, null));
            try
            {
                Check("nvrtcAddNameExpression", _addName(program, expression), instance);
                int code = Run(program, [$"--gpu-architecture={target.Name}", .. Options]);
                string log = Log(program);
                if (code != 0)
                {
                    throw new CudaException(_file, "nvrtcCompileProgram", code, $"{Meaning(code)}: {instance} of {source.Name} for {target.Name}", log);
                }

                byte* symbol;
                Check("nvrtcGetLoweredName", _loweredName(program, expression, &symbol), instance);
                byte[] image = target.IsPtx ? Bytes("nvrtcGetPTX", program, _ptxSize, _ptx) : Bytes("nvrtcGetCUBIN", program, _cubinSize, _cubin);
                return new(Text(symbol), image, log);
            }
            finally
            {
                _destroy(&program);
            }
        }
    }

    private int Run(nint program, string[] options)
    {
        // One block of text, an option after the other: their addresses hold while it is fixed.
        byte[] all = [.. options.SelectMany(Zero)];
        byte** each = stackalloc byte*[options.Length];
        fixed (byte* first = all)
        {
            byte* next = first;
            for (int i = 0; i < options.Length; i++)
            {
                each[i] = next;
                next += Encoding.UTF8.GetByteCount(options[i]) + 1;
            }

            return _compile(program, options.Length, each);
        }
    }

    private string Log(nint program) => Encoding.UTF8.GetString(Bytes("nvrtcGetProgramLog", program, _logSize, _log)).TrimEnd('\0', '\n');

    private byte[] Bytes(string function, nint program, delegate* unmanaged<nint, nuint*, int> size, delegate* unmanaged<nint, byte*, int> get)
    {
        nuint length;
        Check(function + "Size", size(program, &length));
        byte[] bytes = new byte[checked((int)length)];
        fixed (byte* first = bytes)
        {
            Check(function, bytes.Length == 0 ? 0 : get(program, first));
        }

        return bytes;
    }

    private void Check(string function, int code, string? about = null)
    {
        if (code != 0)
        {
            throw new CudaException(_file, function, code, about is null ? Meaning(code) : $"{Meaning(code)}: {about}");
        }
    }

    private string Meaning(int code) => Text(_errorString(code));

    private static byte[] Zero(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
