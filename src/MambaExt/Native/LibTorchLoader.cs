using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MambaExt.Native;

/// <summary>
/// Loads libtorch and TorchSharp's native library ahead of TorchSharp's own loader. On Linux systems whose libstdc++ is
/// older than GCC 13's (Debian 12, Ubuntu 22.04) the shipped library does not load as it comes; <see cref="VersionRequirement"/>
/// says why and what is done about it. On Linux it also mends how long TorchSharp's scalars live, see <see cref="ScalarLifetime"/>.
/// </summary>
public static class LibTorchLoader
{
    private static readonly Lock Gate = new();
    private static bool _done;

    /// <summary>The folder that libtorch was loaded from, where this loader did or was told; it may hold NVRTC too.</summary>
    internal static string? TorchFolder { get; private set; }

    /// <summary>
    /// Loads the native libraries once. Programs of this repository call it at start; a program that references the packages
    /// calls it before its first use of <c>torch</c>, or touches a MambaExt type first, which has the same effect.
    /// Folder searched: <c>MAMBAEXT_LIBTORCH</c> if set, else the program's own.
    /// </summary>
    public static void EnsureLoaded()
    {
        lock (Gate)
        {
            if (_done)
            {
                return;
            }

            _done = true;
            if (OperatingSystem.IsLinux())
            {
                LoadOnLinux();
            }
            else if (Environment.GetEnvironmentVariable("MAMBAEXT_LIBTORCH") is { Length: > 0 } folder)
            {
                TorchFolder = folder;
                foreach (string name in OperatingSystem.IsWindows()
                    ? ["c10.dll", "torch_cpu.dll", "c10_cuda.dll", "torch_cuda.dll", "torch.dll", "LibTorchSharp.dll"]
                    : new[] { "libc10.dylib", "libtorch_cpu.dylib", "libtorch.dylib", "libLibTorchSharp.dylib" })
                {
                    NativeLibrary.TryLoad(Path.Combine(folder, name), out _);
                }
            }
        }
    }

    private static void LoadOnLinux()
    {
        string[] folders = Folders().Where(Directory.Exists).ToArray();
        string? torch = Find(folders, "libtorch_cpu.so");
        string? shim = Find(folders, "libLibTorchSharp.so");
        if (torch is null || shim is null)
        {
            // TorchSharp's own loader goes on and names the package that is missing.
            return;
        }

        LetIdleThreadsSleep();
        string torchFolder = Path.GetDirectoryName(torch)!;
        TorchFolder = torchFolder;
        foreach (string name in new[] { "libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so" })
        {
            NativeLibrary.TryLoad(Path.Combine(torchFolder, name), out _);
        }

        if (!NativeLibrary.TryLoad(shim, out _) && VersionRequirement.MarkWeak(File.ReadAllBytes(shim), "GLIBCXX_3.4.32") is { } image)
        {
            LoadFromMemory(image);
        }

        ScalarLifetime.TryInstall();
    }

    /// <summary>
    /// libtorch's OpenMP workers spin for milliseconds after each operation, on the very cores that our kernels and other programs want
    /// next: beside other work on two cores a small training run took 38 s where it takes 4 s with workers that sleep. What the user
    /// chose stands. libgomp reads the C environment while it loads; .NET's own copy of the environment never reaches it.
    /// </summary>
    private static void LetIdleThreadsSleep()
    {
        if (Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null)
        {
            setenv("OMP_WAIT_POLICY", "passive", overwrite: 0);
        }
    }

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("MAMBAEXT_LIBTORCH") is { Length: > 0 } chosen)
        {
            yield return chosen;
        }

        yield return Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");
        yield return AppContext.BaseDirectory;
    }

    private static string? Find(IEnumerable<string> folders, string file) =>
        folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    /// <summary>Loads a library image from an anonymous file: no other process can see, race for or replace it.</summary>
    private static void LoadFromMemory(byte[] image)
    {
        int descriptor = memfd_create("LibTorchSharp", 0);
        if (descriptor < 0)
        {
            return;
        }

        string path = $"/proc/self/fd/{descriptor}";
        using (var file = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Write))
        {
            file.Write(image);
            file.Flush();
            NativeLibrary.TryLoad(path, out _);
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int memfd_create([MarshalAs(UnmanagedType.LPUTF8Str)] string name, uint flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int setenv([MarshalAs(UnmanagedType.LPUTF8Str)] string name, [MarshalAs(UnmanagedType.LPUTF8Str)] string value, int overwrite);

    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "The cure must reach users of the package too.")]
    internal static void LoadWithThisLibrary() => EnsureLoaded();
}
