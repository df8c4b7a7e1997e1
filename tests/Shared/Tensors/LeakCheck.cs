using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Tests.Shared;

/// <summary>Counts what stays alive.</summary>
internal static partial class LeakCheck
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
        // Free memory that has not been given back is resident, and what takes it up again does not show: collector and allocator give it back now.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        if (OperatingSystem.IsLinux())
        {
            try
            {
                _ = malloc_trim(0);
            }
            catch (EntryPointNotFoundException)
            {
                // Another C library than glibc.
            }
        }

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

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint keep);
}
