using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace MambaExt.Cli;

/// <summary>Open MPI's mpirun gives each process a pseudo-terminal for its standard output, and .NET greets a terminal with control
/// characters, ahead of a JSON document too. Nobody sits at that terminal.</summary>
internal static class UnderMpirun
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "It must run before the first use of the console.")]
    internal static void WritePlainText()
    {
        if (Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_SIZE") is { Length: > 0 })
        {
            Environment.SetEnvironmentVariable("TERM", "dumb");
        }
    }
}
