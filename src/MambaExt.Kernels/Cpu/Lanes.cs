using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>What happens to the channels from <c>d</c> on that fill one vector.</summary>
internal interface ILaneBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    void At<V>(long d)
        where V : unmanaged, IVector<V, T>;
}

/// <summary>Covers a row of channels: full vectors, then 128 bits, then single lanes. Lanes do not meet, so a channel's bits depend
/// neither on the width nor on where it lies.</summary>
internal static class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Cover<V, T, TBody>(TBody body, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, ILaneBody<T>
    {
        long d = 0;
        for (; d + V.Count <= channels; d += V.Count)
        {
            body.At<V>(d);
        }

        for (; V.Count > V128<T>.Count && d + V128<T>.Count <= channels; d += V128<T>.Count)
        {
            body.At<V128<T>>(d);
        }

        for (; d < channels; d++)
        {
            body.At<V1<T>>(d);
        }
    }
}
