using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>How a Mamba-2 scan is cut, and the sizes of its scratch matrices. Cuts depend on the shape alone.</summary>
internal static class SsdPlan
{
    /// <summary>Positions of a chunk. What grows with it is the work within a chunk, what shrinks is the share of carrying states;
    /// 48 is a multiple of the rows of a tile and of every vector.</summary>
    public const int Chunk = 48;

    /// <summary>Heads of a group whose gradients of B and C are summed on their own, at most: what threads may share of one group.</summary>
    private const int MostSplits = 4;

    /// <summary>Bytes of states that one walk keeps at once: they stay in a second-level cache beside the chunk.</summary>
    private const long StateBytes = 256 << 10;

    /// <summary>Chunks of a sequence.</summary>
    public static long Chunks(long length) => (length + Chunk - 1) / Chunk;

    /// <summary>Whether another packed sequence begins at a position, so that no state reaches it.</summary>
    public static unsafe bool Begins(in StateSpaceDualityShape shape, int* sequence, long batch, long position) =>
        sequence != null && position > 0 && sequence[batch * shape.Length + position] != sequence[batch * shape.Length + position - 1];

    /// <summary>Positions from <paramref name="start"/> to the end of the chunk or of the packed sequence: what products are made of, so that
    /// a number that is not finite stays with its sequence.</summary>
    public static unsafe int Run(in StateSpaceDualityShape shape, int* sequence, long batch, long start, long stop)
    {
        long end = start + 1;
        while (end < stop && !Begins(shape, sequence, batch, end))
        {
            end = sequence == null ? stop : end + 1;
        }

        return (int)(end - start);
    }

    /// <summary>Positions of the last run of those that <see cref="Run"/> cuts between <paramref name="start"/> and <paramref name="stop"/>.</summary>
    public static unsafe int RunBefore(in StateSpaceDualityShape shape, int* sequence, long batch, long start, long stop)
    {
        long begin = stop - 1;
        while (begin > start && !Begins(shape, sequence, batch, begin))
        {
            begin = sequence == null ? start : begin - 1;
        }

        return (int)(stop - begin);
    }

    /// <summary>Whether position by position is faster: the state is then read and written once a position, where a chunk turns it over
    /// once and back.</summary>
    public static bool Sequential(in StateSpaceDualityShape shape) => shape.Length <= LongestSequential;

    /// <summary>Longest sequence that is computed position by position: by measurement (24 heads of 64, 128 states) chunks take as long at 9 positions with
    /// vectors of 256 bits, at 12 with 512, and less beyond.</summary>
    public const int SequentialLength = 10;

    /// <summary>Its value in use; a benchmark that compares both forms sets it.</summary>
    internal static int LongestSequential { get; set; } = SequentialLength;

    /// <summary>Parts of a group's heads with sums of their own in the backward pass.</summary>
    public static int Splits(in StateSpaceDualityShape shape) => Math.Min(MostSplits, shape.Heads / shape.Groups);

    /// <summary>Heads of a group that one task walks side by side. The more, the fewer times C B is computed; bits do not depend on it.</summary>
    public static int HeadsATask(in StateSpaceDualityShape shape, int threads, int elementBytes)
    {
        int heads = shape.Heads / shape.Groups;
        long fit = Math.Max(1, StateBytes / ((long)shape.HeadWidth * shape.States * elementBytes));
        long walks = Math.Max(1, shape.Batch * shape.Groups);
        long parts = threads == 1 ? 1 : Math.Max(1, 2L * threads / walks);
        return (int)Math.Clamp(Math.Min(fit, (heads + parts - 1) / parts), 1, heads);
    }

    /// <summary>Elements up to the next row of a scratch matrix: an odd number of cache lines, so that a column of rows spreads over the
    /// whole first-level cache.</summary>
    public static int Stride<T>(int columns)
        where T : unmanaged
    {
        unsafe
        {
            int line = 64 / sizeof(T), lines = Math.Max(1, (columns + line - 1) / line);
            return (lines | 1) * line;
        }
    }

    /// <summary>Next multiple.</summary>
    public static int Up(int value, int unit) => (value + unit - 1) / unit * unit;
}
