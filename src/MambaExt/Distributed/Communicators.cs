using System.Text;

namespace MambaExt.Distributed;

/// <summary>Where communicators come from.</summary>
public static class Communicators
{
    /// <summary>
    /// MPI where this process was started by mpirun or mpiexec (<c>OMPI_COMM_WORLD_SIZE</c>, <c>PMI_SIZE</c> or <c>PMIX_RANK</c> is set) or
    /// <c>MAMBAEXT_MPI</c> names a library; else <see cref="SingleProcess"/>. MPI starts at the first call and ends with the process: with
    /// exit code 0 the ranks wait for one another, with any other code or an unhandled exception all of them end at once.
    /// </summary>
    /// <exception cref="NotSupportedException">No MPI library loads, or it does not belong to the launcher.</exception>
    public static ICommunicator FromEnvironment() =>
        MpiSearch.Launched(Environment.GetEnvironmentVariable) ? MpiCommunicator.Instance : new SingleProcess();

    /// <summary>The text of every rank, by rank, on all ranks.</summary>
    public static string[] AllGather(this ICommunicator communicator, string text) =>
        [.. communicator.AllGather(Encoding.UTF8.GetBytes(text)).Select(Encoding.UTF8.GetString)];
}
