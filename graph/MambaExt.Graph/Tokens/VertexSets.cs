using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MambaExt.Graph.Tokens;

/// <summary>
/// Turns vertex numbers with repeats into an ascending set, without a branch on the data: a comparison sort mispredicts every
/// other branch on such input, which would cost more than the walks that made it.
/// </summary>
internal static unsafe class VertexSets
{
    /// <summary>Longest list that is ranked; longer ones are sorted digit by digit.</summary>
    public const int RankLimit = 128;

    /// <summary>Elements behind the list that may be overwritten.</summary>
    public const int Padding = 8;

    /// <summary>Sorts <paramref name="count"/> numbers in place and returns how many differ.</summary>
    /// <param name="values">Numbers from 0 to <paramref name="largest"/>, with room for <paramref name="count"/> + <see cref="Padding"/>.</param>
    /// <param name="count">1 or more.</param>
    /// <param name="largest">At most 2^31 - 2.</param>
    /// <param name="spare">Room for <paramref name="count"/> more; unused where count is at most <see cref="RankLimit"/>.</param>
    public static int SortUnique(int* values, int count, int largest, int* spare) =>
        count <= RankLimit ? Rank(values, count) : RadixSort(values, count, largest, spare);

    /// <summary>The rank of x is how many numbers are below it; equal numbers fall into one slot, empty slots are squeezed out.</summary>
    [SkipLocalsInit]
    private static int Rank(int* values, int count)
    {
        int* slots = stackalloc int[RankLimit + Padding];
        int* ranks = stackalloc int[Vector256<int>.Count];
        new Span<int>(slots, count).Fill(-1);
        Vector256.Store(Vector256.Create(int.MaxValue), values + count);
        for (int i = 0; i < count; i += Vector256<int>.Count)
        {
            Vector256<int> own = Vector256.Load(values + i), below = Vector256<int>.Zero;
            for (int j = 0; j < count; j++)
            {
                // A true comparison is -1.
                below -= Vector256.LessThan(Vector256.Create(values[j]), own);
            }

            Vector256.Store(below, ranks);
            int lanes = Math.Min(Vector256<int>.Count, count - i);
            for (int lane = 0; lane < lanes; lane++)
            {
                slots[ranks[lane]] = values[i + lane];
            }
        }

        int unique = 0;
        for (int i = 0; i < count; i++)
        {
            values[unique] = slots[i];
            unique += slots[i] >= 0 ? 1 : 0;
        }

        return unique;
    }

    /// <summary>Least significant digit first, 8 bits a pass, as many passes as <paramref name="largest"/> has digits.</summary>
    [SkipLocalsInit]
    private static int RadixSort(int* values, int count, int largest, int* spare)
    {
        int* next = stackalloc int[256];
        int* from = values, to = spare;
        for (int shift = 0; shift < 32 - BitOperations.LeadingZeroCount((uint)largest); shift += 8)
        {
            new Span<int>(next, 256).Clear();
            for (int i = 0; i < count; i++)
            {
                next[(from[i] >> shift) & 255]++;
            }

            for (int digit = 0, start = 0; digit < 256; digit++)
            {
                (next[digit], start) = (start, start + next[digit]);
            }

            for (int i = 0; i < count; i++)
            {
                to[next[(from[i] >> shift) & 255]++] = from[i];
            }

            int* sorted = to;
            to = from;
            from = sorted;
        }

        int unique = 0, last = -1;
        for (int i = 0; i < count; i++)
        {
            int value = from[i];
            values[unique] = value;
            unique += value != last ? 1 : 0;
            last = value;
        }

        return unique;
    }
}
