using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Moves one block of channels between memory and vectors; the lanes past the last channel are zero and never written.</summary>
internal static unsafe class ScanBlock<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The largest lane of <paramref name="value"/>.</summary>
    public static T Largest(V value)
    {
        T largest = ((T*)&value)[0];
        for (int lane = 1; lane < V.Count; lane++)
        {
            largest = T.Max(largest, ((T*)&value)[lane]);
        }

        return largest;
    }

    /// <summary>[channels, N] to [N, lanes], times <paramref name="factor"/>; lanes without a channel become zero.</summary>
    public static void Transpose(T* source, T* target, int channels, int states, T factor)
    {
        for (int n = 0; n < states; n++)
        {
            for (int lane = 0; lane < V.Count; lane++)
            {
                target[n * V.Count + lane] = lane < channels ? source[(long)lane * states + n] * factor : T.Zero;
            }
        }
    }

    /// <summary>[N, lanes] to [channels, N], times <paramref name="factor"/>.</summary>
    public static void TransposeBack(T* source, T* target, int channels, int states, T factor)
    {
        for (int lane = 0; lane < channels; lane++)
        {
            for (int n = 0; n < states; n++)
            {
                target[(long)lane * states + n] = source[n * V.Count + lane] * factor;
            }
        }
    }

    /// <summary>Copies rows of fewer channels than lanes into rows of whole vectors at <paramref name="target"/>, zero where there is no channel, and
    /// returns these; <paramref name="step"/> becomes the distance between them.</summary>
    public static T* Widen(T* source, ref long step, int channels, int steps, T* target)
    {
        for (int t = 0; t < steps; t++)
        {
            for (int lane = 0; lane < V.Count; lane++)
            {
                target[t * V.Count + lane] = lane < channels ? source[t * step + lane] : T.Zero;
            }
        }

        step = V.Count;
        return target;
    }

    /// <summary>Copies the channels of whole vectors to rows in memory.</summary>
    public static void Narrow(T* source, T* target, long step, int channels, int steps)
    {
        for (int t = 0; t < steps; t++)
        {
            for (int lane = 0; lane < channels; lane++)
            {
                target[t * step + lane] = source[t * V.Count + lane];
            }
        }
    }
}
