using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MambaExt.Kernels.Cpu;

/// <summary>Asks for what later arcs gather: a sum over random rows waits for memory and for little else. Does nothing where the
/// processor has no such instruction.</summary>
internal static unsafe class CsrPrefetch
{
    private const int CacheLine = 64;

    /// <summary>Arcs between a prefetch and its use. The columns are read on past the end of a row: the next row's arcs lie there.</summary>
    public const int Ahead = 16;

    /// <summary>Up to eight cache lines; unrolled, since <paramref name="bytes"/> is a constant of the body it is inlined into.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(void* address, int bytes)
    {
        Line(address, 0, bytes);
        Line(address, 1, bytes);
        Line(address, 2, bytes);
        Line(address, 3, bytes);
        Line(address, 4, bytes);
        Line(address, 5, bytes);
        Line(address, 6, bytes);
        Line(address, 7, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Line(void* address, int line, int bytes)
    {
        if (Sse.IsSupported && line * CacheLine < bytes)
        {
            Sse.Prefetch0((byte*)address + (line * CacheLine));
        }
    }
}
