using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text;
using MambaExt.Kernels.Cuda;

namespace MambaExt.Tests.Shared;

/// <summary>Instances of a CUDA source, compiled by g++ behind the emulator's header and loaded. Kept in a folder of the user by the hash of all that makes them.</summary>

internal sealed unsafe class EmulatedLibrary
{
    private static readonly ConcurrentDictionary<string, Lazy<EmulatedLibrary>> Loaded = new();
    private static readonly Lazy<string> Header = new(ReadHeader);
    private static readonly Lazy<(string? Version, string? Missing)> Compiler = new(FindCompiler);
    private readonly Lock _one = new();
    private readonly delegate* unmanaged<int, long, int, int, nint, int, byte*, int, int> _launch;
    private readonly delegate* unmanaged<int, int> _argumentBytes;

    private EmulatedLibrary(string path)
    {
        nint library = NativeLibrary.Load(path);
        _launch = (delegate* unmanaged<int, long, int, int, nint, int, byte*, int, int>)NativeLibrary.GetExport(library, "emulated_launch");
        _argumentBytes = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(library, "emulated_argument_bytes");
    }

    /// <summary>Whether AddressSanitizer is compiled in.</summary>
    public static bool Sanitized => Environment.GetEnvironmentVariable("MAMBAEXT_EMULATOR") == "address";

    /// <summary>Why nothing can be compiled here, or null.</summary>
    public static string? Missing => Compiler.Value.Missing;

    public static EmulatedLibrary Get(KernelSource source, IReadOnlyList<string> instances)
    {
        var text = new StringBuilder($"#line 1 \"emulator.h\"\n{Header.Value}\n{source.Text}\nEMULATED_KERNELS_BEGIN\n");
        foreach (string instance in instances)
        {
            text.Append($"EMULATED_KERNEL({instance})\n");
        }

        string program = text.Append("EMULATED_KERNELS_END\n").ToString();
        string key = $"{Compiler.Value.Version} {string.Join(' ', Flags())}\n{program}";
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32];
        return Loaded.GetOrAdd(hash, _ => new(() => new EmulatedLibrary(Build(source.Name, program, hash)))).Value;
    }

    public int ArgumentBytes(int kernel) => _argumentBytes(kernel);

    /// <exception cref="CudaException">The kernel did what no GPU would do right.</exception>
    public void Launch(int kernel, LaunchSize size, nint arguments, bool reverse)
    {
        byte* message = stackalloc byte[1024];
        lock (_one)
        {
            if (_launch(kernel, size.Blocks, size.Threads, size.SharedBytes, arguments, reverse ? 1 : 0, message, 1024) == 0)
            {
                return;
            }
        }

        throw new CudaException(Marshal.PtrToStringUTF8((nint)message)!);
    }

    private static string[] Flags() =>
    [
        "-x", "c++", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", "-DMAMBAEXT_STAND_IN", "-U_FORTIFY_SOURCE", "-w",
        .. Sanitized ? ["-O1", "-g1", "-fno-omit-frame-pointer", "-fsanitize=address"] : new[] { "-O1" },
        .. Fma.IsSupported && Avx2.IsSupported ? ["-mavx2", "-mfma"] : Array.Empty<string>(),
    ];

    private static string Build(string name, string program, string hash)
    {
        string folder = Path.Combine(Path.GetTempPath(), $"mambaext-emulator-{Environment.UserName}");
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        string path = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(name)}-{hash}.so");
        if (File.Exists(path))
        {
            return path;
        }

        string partial = $"{path}.{Guid.NewGuid():n}.partial";
        try
        {
            (int code, string output) = Run("g++", [.. Flags(), "-o", partial, "-"], program);
            if (code != 0)
            {
                throw new CudaException("g++", "compiling " + name, code, "the source is not valid for the emulator", output);
            }

            File.Move(partial, path, overwrite: true);
            return path;
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static (int Code, string Output) Run(string file, string[] arguments, string input)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("LD_PRELOAD");
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.Result + error.Result);
    }

    private static string ReadHeader()
    {
        using Stream stream = typeof(EmulatedLibrary).Assembly.GetManifestResourceStream("emulator.h")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static (string? Version, string? Missing) FindCompiler()
    {
        if (!OperatingSystem.IsLinux())
        {
            return (null, "the CUDA sources are emulated on Linux only");
        }

        try
        {
            (int code, string output) = Run("g++", ["-dumpfullversion", "-dumpmachine"], "");
            return code == 0 ? (output.Trim(), null) : (null, $"g++ does not work: {output.Trim()}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (null, "the CUDA sources are emulated by g++, which is not installed (Debian and Ubuntu: g++)");
        }
    }
}
