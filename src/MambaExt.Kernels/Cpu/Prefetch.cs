using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Asks for rows before they are needed. A strip of channels touches a few lines in each of many pages, which no hardware
/// prefetcher follows; a few requests between two stretches of arithmetic hide the misses.
/// </summary>
internal static unsafe class Prefetch
{
    private const int Line = 64;

    /// <summary>Asks for <paramref name="bytes"/> bytes from <paramref name="start"/>; does nothing where the processor has no such hint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Bytes(void* start, int bytes)
    {
        if (Sse.IsSupported)
        {
            for (int at = 0; at < bytes; at += Line)
            {
                Sse.Prefetch0((byte*)start + at);
            }
        }
    }
}
