using System.Runtime.CompilerServices;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Tests.Shared;

/// <summary>Counts what stays alive.</summary>
internal static class LeakCheck
{
    /// <summary>Live tensors after collections, as many as it takes until nothing more goes.</summary>
    public static long LiveTensors()
    {
        GradientKeeper.Release();
        long count = long.MaxValue;
        for (int i = 0; i < 10; i++)
        {
            Collect();
            if (Tensor.TotalCount == count)
            {
                break;
            }

            count = Tensor.TotalCount;
        }

        return count;
    }

    /// <summary>Collects until finalizers that release further objects have had their turn too.</summary>
    public static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    /// <summary>Bytes of memory that this process has resident.</summary>
    public static long Resident()
    {
        // The collector gives free memory back when it likes, by the hundred megabytes after tests of data sets; here it must be now.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

        // On Linux without what is mapped from files: libraries of half a gigabyte, whose pages the system takes back when it likes.
        const string Anonymous = "RssAnon:";
        if (OperatingSystem.IsLinux() && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Anonymous, StringComparison.Ordinal)) is { } line)
        {
            return long.Parse(line[Anonymous.Length..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture) << 10;
        }

        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    /// <summary>Runs <paramref name="action"/> and asserts that it leaves no tensor alive.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void LeavesNothing(Action action)
    {
        action();
        long before = LiveTensors();
        action();

        // Fewer is well: something from another test has gone late.
        Xunit.Assert.InRange(LiveTensors(), 0, before);
    }
}
