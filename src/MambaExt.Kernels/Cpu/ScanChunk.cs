using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Where the positions of one entry of the plan lie: processing order to memory. Position i of the processing order is row
/// <c>first + i * direction</c> of every sequence.
/// </summary>
internal readonly struct ScanRows(in SelectiveScanShape shape, in ScanPlan plan, long entry)
{
    public readonly long First = plan.FirstRow(entry) + (shape.Reverse ? plan.LengthOf(entry) - 1 : 0);
    public readonly long Direction = shape.Reverse ? -1 : 1;

    /// <summary>A sequence begins at each multiple of this position; 0 for none.</summary>
    public readonly long Period = plan.Period;

    /// <summary>Row of position <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Row(long i) => First + i * Direction;
}

/// <summary>Packed boundaries within a chunk of steps.</summary>
internal static unsafe class ScanChunk<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>
    /// Lists where the sequences of steps <paramref name="start"/> ... <paramref name="start"/> + <paramref name="steps"/> - 1 begin, as
    /// steps of the chunk; the first entry is always 0. Returns the count; <paramref name="continues"/> tells whether the first of them
    /// carries on from the step before the chunk.
    /// </summary>
    public static int Sequences(int* sequenceIndex, in ScanRows rows, long start, int steps, int* starts, out bool continues)
    {
        starts[0] = 0;
        continues = start == 0 || !Begins(sequenceIndex, rows, start);
        int count = 1;
        if (sequenceIndex == null && rows.Period == 0)
        {
            return count;
        }

        for (int t = 1; t < steps; t++)
        {
            if (Begins(sequenceIndex, rows, start + t))
            {
                starts[count++] = t;
            }
        }

        return count;
    }

    private static bool Begins(int* sequenceIndex, in ScanRows rows, long i) =>
        (rows.Period != 0 && i % rows.Period == 0) || (sequenceIndex != null && sequenceIndex[rows.Row(i)] != sequenceIndex[rows.Row(i - 1)]);

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
