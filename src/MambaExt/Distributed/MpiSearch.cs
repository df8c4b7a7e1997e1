using System.Runtime.InteropServices;

namespace MambaExt.Distributed;

/// <summary>Whether this process was started as one of several, and which library speaks with the program that started it.</summary>
internal static class MpiSearch
{
    private const string Variable = "MAMBAEXT_MPI";

    // By file name, as the system's loader finds them. Intel MPI's own is libmpi.so.12.
    private static readonly string[] OpenMpi = OperatingSystem.IsMacOS() ? ["libmpi.40.dylib", "libmpi.dylib"] : ["libmpi.so.40", "libmpi.so"];
    private static readonly string[] Mpich = OperatingSystem.IsWindows() ? ["msmpi.dll", "impi.dll"] : OperatingSystem.IsMacOS() ? ["libmpi.12.dylib", "libmpich.12.dylib"] : ["libmpich.so.12", "libmpi.so.12"];

    /// <summary>Started by mpirun, mpiexec or a scheduler that speaks their protocols, or told to use MPI.</summary>
    public static bool Launched(Func<string, string?> environment) =>
        new[] { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", Variable }.Any(name => !string.IsNullOrEmpty(environment(name)));

    /// <summary>The number of processes that the launcher speaks of, if it does.</summary>
    public static int? LaunchedSize(Func<string, string?> environment) =>
        int.TryParse(environment("OMPI_COMM_WORLD_SIZE") ?? environment("PMI_SIZE"), out int size) ? size : null;

    /// <summary>Names to try, in this order. Two libraries may be installed side by side, and each knows only its own launcher: with the
    /// other's, every process would take itself for the only one.</summary>
    public static string[] Candidates(Func<string, string?> environment) =>
        environment(Variable) is { Length: > 0 } chosen ? [chosen]
        : !string.IsNullOrEmpty(environment("PMI_SIZE")) && string.IsNullOrEmpty(environment("OMPI_COMM_WORLD_SIZE")) && string.IsNullOrEmpty(environment("PMIX_RANK")) ? [.. Mpich, .. OpenMpi]
        : [.. OpenMpi, .. Mpich];

    /// <summary>The first that loads.</summary>
    /// <exception cref="NotSupportedException">None does, or it is no MPI library.</exception>
    public static MpiLibrary Load(string[] candidates)
    {
        foreach (string name in candidates)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                try
                {
                    return new MpiLibrary(library);
                }
                catch (EntryPointNotFoundException e)
                {
                    throw new NotSupportedException($"{name} is no MPI library of version 3 ({e.Message.TrimEnd('.')}); set {Variable} to the file of one.", e);
                }
            }
        }

        throw new NotSupportedException(
            $"This process was started as one of several, or {Variable} is set, and no MPI library loads (tried {string.Join(", ", candidates)}); install one (Debian and Ubuntu: openmpi-bin, which brings libopenmpi3) or set {Variable} to its file.");
    }
}
