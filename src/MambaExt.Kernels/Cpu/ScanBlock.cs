using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Moves one block of channels between memory and vectors; the lanes past the last channel are zero and never written.</summary>
internal static unsafe class ScanBlock<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(T* source, int channels) => channels == V.Count ? V.Load(source) : LoadPart(source, channels);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V value, T* target, int channels)
    {
        if (channels == V.Count)
        {
            value.Store(target);
        }
        else
        {
            StorePart(value, target, channels);
        }
    }

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

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V LoadPart(T* source, int channels)
    {
        V value = V.Zero;
        for (int lane = 0; lane < channels; lane++)
        {
            ((T*)&value)[lane] = source[lane];
        }

        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StorePart(V value, T* target, int channels)
    {
        for (int lane = 0; lane < channels; lane++)
        {
            target[lane] = ((T*)&value)[lane];
        }
    }
}
