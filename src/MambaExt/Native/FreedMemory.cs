using System.Runtime.InteropServices;

namespace MambaExt.Native;

/// <summary>What glibc does with memory that tensors leave.</summary>
internal static partial class FreedMemory
{
    // malloc.h
    private const int TrimThreshold = -1, TopPad = -2, MostMapped = -4;

    /// <summary>
    /// The free end of each heap is otherwise given back, and large blocks are mapped and unmapped one by one: each step of a training then takes the same pages
    /// anew, zeroed one fault at a time. Blocks beyond the size of a heap, 64 MiB, stay as they are off the main thread.
    /// </summary>
    /// <returns>Whether it was done: not off Linux, on another C library, or where a variable of the environment has settled it.</returns>
    public static bool Keep()
    {
        string[] variables = ["MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES", "LD_PRELOAD"];
        if (!OperatingSystem.IsLinux() || variables.Any(name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name))))
        {
            return false;
        }

        try
        {
            // -1 is never; what the heap grows by, so that a step grows it seldom.
            return (mallopt(MostMapped, 0) & mallopt(TrimThreshold, -1) & mallopt(TopPad, 128 << 20)) == 1;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library.
            return false;
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
