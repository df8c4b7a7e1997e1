using System.Diagnostics;

namespace MambaExt.Runs;

/// <summary>The largest resident set of this process.</summary>
public static class PeakMemory
{
    /// <summary>Starts the count anew where the system can (Linux), so that a cell of a table is not charged with an earlier one's peak.</summary>
    public static void Reset()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // What earlier work has left to the collector would count.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A system that does not allow it: the peak stays that of the process.
        }
    }

    /// <summary>Since the start, or the last <see cref="Reset"/>.</summary>
    public static long Bytes()
    {
        using var own = Process.GetCurrentProcess();
        return own.PeakWorkingSet64;
    }
}
