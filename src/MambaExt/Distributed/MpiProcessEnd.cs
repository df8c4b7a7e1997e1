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

    // What a launcher has not read from a rank when the run ends is lost, the library's own words among it.
    private static readonly TimeSpan ForTheLauncherToRead = TimeSpan.FromMilliseconds(200);

    private static int _ending;

    /// <summary>From now on the process ends in one of these ways.</summary>
    /// <param name="rank">This process among the others, for messages: "Rank 1 of 4"</param>
    /// <param name="library">What ends them</param>
    /// <param name="calls">Held while a call is under way</param>
    /// <param name="finalize">MPI was started here and so ends here</param>
    public static void Watch(string rank, MpiLibrary library, Lock calls, bool finalize)
    {
        AppDomain.CurrentDomain.UnhandledException += (_, e) => Abort($"{rank} failed and ends the run: {e.ExceptionObject}", library, Unhandled);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Environment.ExitCode != 0 || !calls.TryEnter())
            {
                // A thread that is still inside a call would keep MPI from ending.
                Abort($"{rank} ends the run with exit code {Code(Environment.ExitCode)}.", library, Environment.ExitCode);
            }

            if (Interlocked.Exchange(ref _ending, 1) == 0 && finalize)
            {
                library.End();
            }
        };
    }

    /// <summary>Ends all processes. The words go to standard error: no exception reaches a program that could show them.</summary>
    [DoesNotReturn]
    public static void Abort(string words, MpiLibrary library, int code)
    {
        if (Interlocked.Exchange(ref _ending, 1) == 0)
        {
            Console.Error.WriteLine(words);
            Thread.Sleep(ForTheLauncherToRead);
            library.Abort(Code(code));
        }

        Environment.Exit(Code(code));
    }

    private static int Code(int code) => code == 0 ? 1 : code;
}
