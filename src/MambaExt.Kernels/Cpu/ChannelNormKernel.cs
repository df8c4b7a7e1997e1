using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>The passes of <see cref="ChannelNorm"/>, in blocks of rows whose number depends on the shape alone.</summary>
internal static unsafe class ChannelNormKernel
{
    /// <summary>Elements of a block, about: it stays in the second-level cache.</summary>
    private const long BlockElements = 1 << 14;

    public static void Forward<T>(T* x, long rows, long channels, T* scale, T* shift, ChannelActivation activation, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Blocks(rows, channels, options, (first, end, _) =>
        {
            using var scratch = new Workspace();
            T* mask = activation.Dropout > 0 ? scratch.Allocate<T>(channels) : null;
            var dropout = new DropoutMask<T>(activation.Dropout, activation.Seed);
            for (long r = first; r < end; r++)
            {
                long at = r * channels;
                if (mask != null)
                {
                    dropout.Fill(mask, at, (int)channels);
                }

                Cover<T, ForwardRow<T>>(new ForwardRow<T>(x + at, scale, shift, mask, activation.Relu, y + at), channels, options);
            }
        });

    public static void Backward<T>(
        T* x, T* dy, long rows, long channels, T* scale, T* shift, ChannelActivation activation, T* g, double* sums, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var memory = new Workspace();
        T* partials = sums == null ? null : memory.Allocate<T>(2 * channels * BlockCount(rows, channels), zeroed: true);
        Blocks(rows, channels, options, (first, end, block) =>
        {
            using var scratch = new Workspace();
            T* mask = activation.Dropout > 0 ? scratch.Allocate<T>(channels) : null;
            T* own = partials == null ? null : partials + (2 * channels * block);
            var dropout = new DropoutMask<T>(activation.Dropout, activation.Seed);
            for (long r = first; r < end; r++)
            {
                long at = r * channels;
                if (mask != null)
                {
                    dropout.Fill(mask, at, (int)channels);
                }

                Cover<T, BackwardRow<T>>(new BackwardRow<T>(x + at, dy + at, scale, shift, mask, activation.Relu, g + at, own, channels), channels, options);
            }
        });
        for (long c = 0; c < 2 * channels && sums != null; c++)
        {
            sums[c] = 0;
            for (long block = 0, count = BlockCount(rows, channels); block < count; block++)
            {
                sums[c] += double.CreateTruncating(partials[(2 * channels * block) + c]);
            }
        }
    }

    public static void Combine<T>(T* x, long rows, long channels, T* factors, T* g, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Blocks(rows, channels, options, (first, end, _) =>
        {
            for (long r = first; r < end; r++)
            {
                Cover<T, CombineRow<T>>(new CombineRow<T>(x + (r * channels), factors, channels, g + (r * channels)), channels, options);
            }
        });

    /// <summary>Mean and centred squares of each block, joined in the order of the blocks (Chan, Golub and LeVeque 1979).</summary>
    public static void Statistics<T>(T* x, long rows, long channels, double* mean, double* variance, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var memory = new Workspace();
        long blocks = BlockCount(rows, channels), size = BlockRows(rows, channels);
        T* partials = memory.Allocate<T>(2 * channels * blocks, zeroed: true);
        Blocks(rows, channels, options, (first, end, block) =>
            Cover<T, StatisticsBlock<T>>(new StatisticsBlock<T>(x, first, end, channels, partials + (2 * channels * block)), channels, options));
        for (long c = 0; c < channels; c++)
        {
            double total = 0, squares = 0, average = 0;
            for (long block = 0; block < blocks; block++)
            {
                double count = Math.Min(rows, (block + 1) * size) - (block * size), own = double.CreateTruncating(partials[(2 * channels * block) + c]);
                double delta = own - average;
                squares += double.CreateTruncating(partials[(2 * channels * block) + channels + c]) + (delta * delta * total * count / (total + count));
                total += count;
                average += delta * count / total;
            }

            (mean[c], variance[c]) = (average, squares / rows);
        }
    }

    private static long BlockRows(long rows, long channels) => Math.Clamp(BlockElements / channels, 1, Math.Max(1, rows));

    private static long BlockCount(long rows, long channels) => (rows + BlockRows(rows, channels) - 1) / BlockRows(rows, channels);

    private static void Blocks(long rows, long channels, KernelOptions options, Action<long, long, long> body)
    {
        long size = BlockRows(rows, channels);
        KernelParallel.For(checked((int)BlockCount(rows, channels)), options.Threads, block => body(block * size, Math.Min(rows, (block + 1) * size), block));
    }

    // Optimized at once: a training calls it a few times a millisecond and should not begin slow.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Cover<T, TBody>(TBody body, long channels, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, ILaneBody<T>
    {
        switch (options.VectorBits)
        {
            case 128: Lanes.Cover<V128<T>, T, TBody>(body, channels); break;
            case 256: Lanes.Cover<V256<T>, T, TBody>(body, channels); break;
            default: Lanes.Cover<V512<T>, T, TBody>(body, channels); break;
        }
    }
}
