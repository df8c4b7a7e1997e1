using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>The Mamba-2 scan position by position, for very short sequences: the state stays as it lies in memory, [P, N], and is read and
/// written once a position.</summary>
internal static unsafe class SsdSequential<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static void Run(StateSpaceDualityShape shape, StateSpaceDualityInputs<T> inputs, StateSpaceDualityOutputs<T> outputs, int threads, Workspace workspace)
    {
        int columns = SsdPlan.Up(shape.HeadWidth, V.Count), state = shape.HeadWidth * shape.States;
        var scratch = new nint[threads];

        // A task takes several heads, or starting it would cost more than the work.
        int heads = Math.Clamp((1 << 16) / Math.Max(1, state * (int)Math.Max(1, shape.Length)), 1, shape.Heads), parts = (shape.Heads + heads - 1) / heads;
        KernelParallel.For(checked((int)(shape.Batch * parts)), threads, (task, worker) =>
        {
            if (scratch[worker] == 0)
            {
                scratch[worker] = (nint)workspace.Allocate<T>(4L * columns + 2 * V.Count + state, zeroed: true);
            }

            long batch = task / parts;
            int first = task % parts * heads;
            for (int head = first; head < Math.Min(first + heads, shape.Heads); head++)
            {
                Walk(shape, inputs, outputs, batch, head, columns, (T*)scratch[worker]);
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Walk(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, long batch, int head, int columns, T* scratch)
    {
        int width = shape.HeadWidth, states = shape.States, group = head / (shape.Heads / shape.Groups);
        T* x = scratch, y = x + columns, z = y + columns, skip = z + columns, step = skip + columns, factor = step + V.Count, own = factor + V.Count;
        long at = (batch * shape.Heads + head) * width * states;
        T* held = outputs.LastState == null ? own : outputs.LastState + at, before = inputs.InitialState == null ? null : inputs.InitialState + at;
        if (before == null || shape.Length == 0)
        {
            Fill(before, held, (long)width * states);
            before = held;
        }

        SsdGate<V, T>.Skip(shape, inputs.D, head, skip);
        for (long t = 0; t < shape.Length; t++)
        {
            long row = batch * shape.Length + t;
            *step = inputs.Dt[row * inputs.DtStride + head];
            SsdSteps<V, T>.Run(shape, inputs.A[head], inputs.DtBias == null ? T.Zero : inputs.DtBias[head], 1, step, factor, null);
            if (SsdPlan.Begins(shape, inputs.SequenceIndex, batch, t))
            {
                Fill(null, held, (long)width * states);
            }

            new Span<T>(inputs.X + row * inputs.XStride + (long)head * width, width).CopyTo(new Span<T>(x, width));
            Position(
                before, held, *factor, *step, x, y, inputs.B + row * inputs.BStride + (long)group * states,
                inputs.C + row * inputs.CStride + (long)group * states, width, states);
            before = held;
            if (inputs.Z != null)
            {
                new Span<T>(inputs.Z + row * inputs.ZStride + (long)head * width, width).CopyTo(new Span<T>(z, width));
            }

            SsdGate<V, T>.Forward(y, skip, x, inputs.Z == null ? null : z, y, columns);
            new Span<T>(y, width).CopyTo(new Span<T>(outputs.Out + row * outputs.OutStride + (long)head * width, width));
        }
    }

    private static void Fill(T* source, T* target, long count)
    {
        if (source == null)
        {
            new Span<T>(target, checked((int)count)).Clear();
        }
        else if (source != target)
        {
            new Span<T>(source, checked((int)count)).CopyTo(new Span<T>(target, checked((int)count)));
        }
    }

    /// <summary>One position of one head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Position(T* before, T* after, T factor, T step, T* x, T* y, T* b, T* c, int width, int states)
    {
        V decay = V.Broadcast(factor);
        int whole = states / V.Count * V.Count;
        for (int p = 0; p < width; p++, before += states, after += states)
        {
            T written = step * x[p];
            V input = V.Broadcast(written), sum = V.Zero;
            for (int n = 0; n < whole; n += V.Count)
            {
                V state = V.MultiplyAdd(V.Load(b + n), input, decay * V.Load(before + n));
                state.Store(after + n);
                sum = V.MultiplyAdd(state, V.Load(c + n), sum);
            }

            T total = V.Sum(sum);
            for (int n = whole; n < states; n++)
            {
                T state = factor * before[n] + b[n] * written;
                after[n] = state;
                total += state * c[n];
            }

            y[p] = total;
        }
    }
}
