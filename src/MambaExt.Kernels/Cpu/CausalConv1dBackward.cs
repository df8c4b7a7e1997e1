using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Gradients of the causal convolution. A task walks its steps backwards in tiles of eight and computes <c>g = dout act'(sum)</c> anew:
/// <c>dx_s = sum_k weight[k] g_(s+W-1-k)</c> is then the weighted sum of the forward pass. Sums over batch and time are kept apart by task
/// and added in the order of the tasks.
/// </summary>
internal static unsafe class CausalConv1dBackward
{
    /// <summary>Steps and channels of one task.</summary>
    private const int TaskSteps = 256;
    private const int TaskChannels = 2048;

    public static void Run<V, T>(
        CausalConv1dShape shape, CausalConv1dInputs<T> inputs, CausalConv1dOutputGradients<T> arriving,
        CausalConv1dInputGradients<T> written, int threads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        switch (shape.Width)
        {
            case 2: Run<V, T, Taps2>(shape, inputs, arriving, written, threads); break;
            case 3: Run<V, T, Taps3>(shape, inputs, arriving, written, threads); break;
            default: Run<V, T, Taps4>(shape, inputs, arriving, written, threads); break;
        }
    }

    private static void Run<V, T, TTaps>(
        CausalConv1dShape shape, CausalConv1dInputs<T> inputs, CausalConv1dOutputGradients<T> arriving,
        CausalConv1dInputGradients<T> written, int threads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        using var workspace = new Workspace();
        var rows = new ConvRows<T>(shape, inputs, workspace);
        var tasks = new ConvTasks(shape, TaskSteps, TaskChannels);
        long sumsSize = (shape.Width + 1) * Math.Min(shape.Channels, TaskChannels);
        bool wantsSums = written.DWeight != null || written.DBias != null;
        T* sums = wantsSums ? workspace.Allocate<T>(Math.Max(tasks.Count, tasks.Blocks) * sumsSize, zeroed: true) : null;
        KernelParallel.For(tasks.Count, threads, task =>
        {
            ConvTask work = tasks[task];
            T* gradients = stackalloc T[(int)(ConvGradientTile<V, T, TTaps>.Rows * work.Channels)];
            var tile = new ConvGradientTile<V, T, TTaps>(
                shape, rows, arriving, written, work, gradients, wantsSums ? sums + (task * sumsSize) : null);
            tile.RunTask();
        });

        if (wantsSums)
        {
            KernelParallel.For(tasks.Blocks, threads, block =>
            {
                T* total = sums + ((long)block * tasks.Pieces * sumsSize);
                for (int piece = 1; piece < tasks.Pieces; piece++)
                {
                    Add<V, T>(total + (piece * sumsSize), total, sumsSize);
                }

                long channel = (long)block * TaskChannels;
                WriteSums(shape, total, written, channel, Math.Min(TaskChannels, shape.Channels - channel));
            });
        }
    }

    private static void Add<V, T>(T* source, T* target, long count)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        long i = 0;
        for (; i + V.Count <= count; i += V.Count)
        {
            (V.Load(target + i) + V.Load(source + i)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] += source[i];
        }
    }

    /// <summary>The sums of one block of channels lie as W rows for the taps and one for the bias.</summary>
    private static void WriteSums<T>(
        in CausalConv1dShape shape, T* sums, in CausalConv1dInputGradients<T> written, long channel, long channels)
        where T : unmanaged
    {
        for (long d = 0; d < channels; d++)
        {
            for (int k = 0; k < shape.Width && written.DWeight != null; k++)
            {
                written.DWeight[((channel + d) * shape.Width) + k] = sums[(k * channels) + d];
            }

            if (written.DBias != null)
            {
                written.DBias[channel + d] = sums[(shape.Width * channels) + d];
            }
        }
    }
}
