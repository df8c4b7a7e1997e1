using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Where NVIDIA's compiler library is looked for: <c>MAMBAEXT_NVRTC</c> (a file, or a folder that holds one) and nowhere else if it is set;
/// else the folders added here, the program's own, the names that the system's loader finds, and the places of toolkits.
/// </summary>
public static class NvrtcSearch
{
    private const string Variable = "MAMBAEXT_NVRTC";

    private static readonly Lock Gate = new();
    private static readonly List<string> Added = [];
    private static NvrtcLibrary? _found;

    /// <summary>Another folder to search before the usual places, such as the one libtorch was loaded from: its CUDA edition brings the library.</summary>
    public static void AddFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        lock (Gate)
        {
            if (!Added.Contains(folder))
            {
                Added.Add(folder);
            }
        }
    }

    /// <summary>The library, loaded at the first call. A search that failed is made again.</summary>
    /// <param name="driver">The newest CUDA version whose programs the driver runs</param>
    /// <exception cref="CudaException">There is none.</exception>
    internal static NvrtcLibrary Library(Version driver)
    {
        lock (Gate)
        {
            string? chosen = Environment.GetEnvironmentVariable(Variable);
            return _found ??= Load(InOrderFor(driver, Candidates(chosen, Added)), chosen);
        }
    }

    /// <summary>Those that the driver may not understand last: a driver runs what compilers of its own major version make and of older ones. In each
    /// half the order stays.</summary>
    internal static IReadOnlyList<string> InOrderFor(Version driver, IReadOnlyList<string> candidates) =>
        [.. candidates.OrderBy(file => NvrtcFiles.Major(file) > driver.Major)];

    /// <summary>Files and names to try, in this order.</summary>
    internal static IReadOnlyList<string> Candidates(string? chosen, IEnumerable<string> added) =>
        string.IsNullOrEmpty(chosen) ? [.. added.Concat(ProgramFolders()).SelectMany(NvrtcFiles.In), .. NvrtcFiles.Names, .. NvrtcFiles.InToolkits()]
        : Directory.Exists(chosen) ? [.. NvrtcFiles.Under(chosen)]
        : [chosen];

    /// <summary>The first that loads.</summary>
    /// <param name="candidates">Files and names</param>
    /// <param name="chosen">What the user named, for the message</param>
    /// <exception cref="CudaException">None does, or it is no NVRTC.</exception>
    internal static NvrtcLibrary Load(IReadOnlyList<string> candidates, string? chosen = null)
    {
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
            {
                NvrtcLibrary library;
                try
                {
                    library = new(handle, name);
                }
                catch (EntryPointNotFoundException e)
                {
                    throw new CudaException($"{name} is no NVRTC of CUDA 11.2 or newer ({e.Message.TrimEnd('.')}); set {Variable} to the file of one.");
                }

                LoadBuiltins(name, library.Version);
                return library;
            }
        }

        throw new CudaException(string.IsNullOrEmpty(chosen)
            ? $"The compiler of GPU kernels, NVRTC, was not found (tried {string.Join(", ", NvrtcFiles.Names)} and the folders of CUDA); use TorchSharp's CUDA package, which brings it, install a CUDA toolkit, or set {Variable} to its file or folder."
            : $"{Variable} is '{chosen}', and no NVRTC loads from there (tried {(candidates.Count == 0 ? "nothing: it holds none" : string.Join(", ", candidates))}); allowed is the file of one or the folder it lies in.");
    }

    // The compiler opens its own built-in functions by name, which fails for a folder that the system's loader does not know: loaded
    // before, they are found. Other versions may lie beside them.
    private static void LoadBuiltins(string file, Version version)
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder)
        {
            string[] all = [.. NvrtcFiles.BuiltinsIn(folder)];
            string digits = OperatingSystem.IsWindows() ? $"64_{version.Major}{version.Minor}." : $".so.{version.Major}.{version.Minor}";
            string[] own = [.. all.Where(one => Path.GetFileName(one).Contains(digits, StringComparison.Ordinal))];
            foreach (string one in own.Length > 0 ? own : all)
            {
                NativeLibrary.TryLoad(one, out _);
            }
        }
    }

    private static IEnumerable<string> ProgramFolders() =>
    [
        AppContext.BaseDirectory,
        Path.Combine(AppContext.BaseDirectory, "runtimes", OperatingSystem.IsWindows() ? "win-x64" : "linux-x64", "native"),
    ];
}
