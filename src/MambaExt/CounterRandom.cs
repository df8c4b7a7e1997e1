using System.Runtime.CompilerServices;

namespace MambaExt;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (SC 2011): four 32-bit numbers are a pure function of a 64-bit seed and a 128-bit counter. Whoever knows what a number is for
/// can compute it, in any order and on any thread.
/// </summary>
public static class CounterRandom
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>The four numbers of counter (<paramref name="c0"/>, <paramref name="c1"/>, <paramref name="c2"/>,
    /// <paramref name="c3"/>) under <paramref name="seed"/>, whose low half is the first key word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (uint R0, uint R1, uint R2, uint R3) Block(ulong seed, uint c0, uint c1, uint c2, uint c3)
    {
        uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)Multiplier0 * c0, p1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>64 bits that belong to one <paramref name="key"/> in one <paramref name="stream"/>.</summary>
    public static ulong ForKey(ulong seed, RandomStream stream, int key, int draw = 0)
    {
        (uint low, uint high, _, _) = Block(seed, (uint)key, (uint)draw, 0, (uint)stream << StreamShift);
        return ((ulong)high << 32) | low;
    }

    /// <summary>The stream fills the top byte of the last counter word, so no two purposes ever share a number.</summary>
    public const int StreamShift = 24;
}
