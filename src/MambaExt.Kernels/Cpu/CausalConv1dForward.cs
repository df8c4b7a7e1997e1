using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The causal convolution on a CPU: rows of time outside, channels inside, so that a row is in a near cache for all of its taps.
/// A lane is a channel and lanes never meet: all widths give the same bits.
/// </summary>
internal static unsafe class CausalConv1dForward
{
    /// <summary>Steps and channels of one task: whole rows up to 2048 channels, since memory is read in longer runs then (a third faster
    /// than blocks of 512 at D = 1536, which fit the first cache).</summary>
    private const int TaskSteps = 128;
    private const int TaskChannels = 2048;

    public static void Run<V, T>(CausalConv1dShape shape, CausalConv1dInputs<T> inputs, CausalConv1dOutputs<T> outputs, int threads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        switch (shape.Width)
        {
            case 2: Run<V, T, Taps2>(shape, inputs, outputs, threads); break;
            case 3: Run<V, T, Taps3>(shape, inputs, outputs, threads); break;
            default: Run<V, T, Taps4>(shape, inputs, outputs, threads); break;
        }
    }

    private static void Run<V, T, TTaps>(CausalConv1dShape shape, CausalConv1dInputs<T> inputs, CausalConv1dOutputs<T> outputs, int threads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        using var workspace = new Workspace();
        var rows = new ConvRows<T>(shape, inputs, workspace);
        var tasks = new ConvTasks(shape, TaskSteps, TaskChannels);
        KernelParallel.For(tasks.Count, threads, task =>
        {
            ConvTask work = tasks[task];
            T* sums = stackalloc T[(int)(ConvSums.Steps * work.Channels)];
            for (long b = work.FirstBatch; b < work.EndBatch; b++)
            {
                for (long s = work.FirstStep, steps; s < work.EndStep; s += steps)
                {
                    steps = Steps<V, T, TTaps>(shape, rows, outputs, work, b, s, sums);
                }

                if (work.EndStep == shape.Length && outputs.FinalStates != null)
                {
                    WriteFinalStates(shape, rows, outputs.FinalStates, b, work);
                }
            }
        });
    }

    /// <summary>Computes one step or four from <paramref name="s"/> on, and says how many.</summary>
    private static long Steps<V, T, TTaps>(
        in CausalConv1dShape shape, in ConvRows<T> rows, in CausalConv1dOutputs<T> outputs, in ConvTask work, long b, long s, T* scratch)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        long channel = work.FirstChannel;
        T* taps = rows.Taps + channel;
        T* target = outputs.Out + (rows.Position(b, s) * outputs.OutRowStride) + channel;
        long stride = shape.Reverse ? -outputs.OutRowStride : outputs.OutRowStride;
        T* sums = shape.Silu ? scratch : target;
        long sumStride = shape.Silu ? work.Channels : stride;
        int steps = rows.IsPlain(b, s, s + ConvSums.Steps, work.EndStep) ? ConvSums.Steps : 1;
        if (steps == 1)
        {
            ConvSums.One<V, T, TTaps>(taps, shape.Channels, rows.Bias + channel, rows.TapsOf(b, s, channel), sums, work.Channels);
        }
        else
        {
            T* oldest = rows.Row(b, s - TTaps.Width + 1, channel);
            ConvSums.Four<V, T, TTaps>(taps, shape.Channels, rows.Bias + channel, oldest, rows.Stride, sums, sumStride, work.Channels);
        }

        for (int i = 0; i < steps && shape.Silu; i++)
        {
            ConvActivation.Silu<V, T>(sums + (i * sumStride), target + (i * stride), work.Channels);
        }

        return steps;
    }

    private static void WriteFinalStates<T>(in CausalConv1dShape shape, in ConvRows<T> rows, T* finalStates, long b, in ConvTask work)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int states = shape.Width - 1;
        for (int j = 0; j < states; j++)
        {
            T* source = rows.Row(b, shape.Length - states + j, work.FirstChannel);
            T* target = finalStates + (((b * states) + j) * shape.Channels) + work.FirstChannel;
            long bytes = work.Channels * sizeof(T);
            Buffer.MemoryCopy(source, target, bytes, bytes);
        }
    }
}
