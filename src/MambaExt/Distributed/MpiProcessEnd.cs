using System.Diagnostics.CodeAnalysis;

namespace MambaExt.Distributed;

/// <summary>
/// How a process of several ends. With exit code 0 it waits for the others and ends MPI. With another code, or by an exception that nobody
/// caught, it ends them all: they may wait for a call that this one will never make. (One that is killed cannot; the launcher sees it and
/// ends the others.)
/// </summary>
internal static class MpiProcessEnd
{
    // As the command line's exit code for work that failed.
    private const int Unhandled = 2;

    private static int _ending;

    public static void Watch(ICommunicator communicator, MpiLibrary library, Lock calls, bool finalize)
    {
        AppDomain.CurrentDomain.UnhandledException += (_, e) =>
        {
            Console.Error.WriteLine($"Rank {communicator.Rank} of {communicator.Size} failed and ends the run: {e.ExceptionObject}");
            Abort(library, Unhandled);
        };
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Environment.ExitCode != 0 || !calls.TryEnter())
            {
                // A thread that is still inside a call would keep MPI from ending.
                Abort(library, Environment.ExitCode);
            }

            if (Interlocked.Exchange(ref _ending, 1) == 0 && finalize)
            {
                library.End();
            }
        };
    }

    [DoesNotReturn]
    public static void Abort(MpiLibrary library, int code)
    {
        if (Interlocked.Exchange(ref _ending, 1) == 0)
        {
            library.Abort(code == 0 ? 1 : code);
        }

        Environment.Exit(code == 0 ? 1 : code);
    }
}
