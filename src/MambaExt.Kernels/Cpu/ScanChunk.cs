using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Where the positions of one batch entry lie: processing order to memory. Position i of the processing order is row
/// <c>first + i * direction</c> of every sequence.
/// </summary>
internal readonly struct ScanRows(in SelectiveScanShape shape, long batch)
{
    public readonly long First = batch * shape.Length + (shape.Reverse ? shape.Length - 1 : 0);
    public readonly long Direction = shape.Reverse ? -1 : 1;

    /// <summary>Row of position <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Row(long i) => First + i * Direction;
}

/// <summary>What happens around the recurrence in a chunk of steps: discretization before it, packed boundaries within it.</summary>
internal static unsafe class ScanChunk<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Adds <paramref name="bias"/> and applies softplus.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Discretize(V delta, V bias, bool softplus)
    {
        V raw = delta + bias;
        return softplus ? VectorMath.Softplus<V, T>(raw) : raw;
    }

    /// <summary>
    /// Lists where the sequences of steps <paramref name="start"/> ... <paramref name="start"/> + <paramref name="steps"/> - 1 begin, as
    /// steps of the chunk; the first entry is always 0. Returns the count; <paramref name="continues"/> tells whether the first of them
    /// carries on from the step before the chunk.
    /// </summary>
    public static int Sequences(int* sequenceIndex, in ScanRows rows, long start, int steps, int* starts, out bool continues)
    {
        starts[0] = 0;
        continues = true;
        if (sequenceIndex == null)
        {
            return 1;
        }

        continues = start == 0 || sequenceIndex[rows.Row(start)] == sequenceIndex[rows.Row(start - 1)];
        int count = 1;
        for (int t = 1; t < steps; t++)
        {
            if (sequenceIndex[rows.Row(start + t)] != sequenceIndex[rows.Row(start + t - 1)])
            {
                starts[count++] = t;
            }
        }

        return count;
    }

    /// <summary>Whether a sequence begins anywhere in [start, end), the first position of all aside.</summary>
    public static bool AnyBegins(int* sequenceIndex, in ScanRows rows, long start, long end)
    {
        if (sequenceIndex != null)
        {
            for (long i = Math.Max(1, start); i < end; i++)
            {
                if (sequenceIndex[rows.Row(i)] != sequenceIndex[rows.Row(i - 1)])
                {
                    return true;
                }
            }
        }

        return false;
    }
}
