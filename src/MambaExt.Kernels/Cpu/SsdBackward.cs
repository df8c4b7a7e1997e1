using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Gradients of the Mamba-2 scan: chunks from the last to the first, carrying the gradient G of the state. Within a chunk, everything is
/// computed anew from the state before it.
/// <code>
/// dx_s = d_s (sum_t weight(s, t) dy_t + suffix_s G B_s) + D dy_s
/// dC_t = prefix_t dy_t S + sum_s decay(s, t) d_s (x_s dy_t) B_s,   dB_s likewise from G
/// dlog a_k = what every pair s before k and t from k on exchanges: sums of terms of one sign pattern, never a difference of sums
/// </code>
/// Sums over the heads of a group are made in a fixed number of splits, each in the order of its heads.
/// </summary>
internal sealed unsafe class SsdBackward<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly StateSpaceDualityShape _shape;
    private readonly StateSpaceDualityInputs<T> _in;
    private readonly StateSpaceDualityGradients<T> _grad;
    private readonly T* _checkpoints;
    private readonly SsdSums<V, T> _sums;

    private SsdBackward(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, T* checkpoints, in StateSpaceDualityGradients<T> gradients, bool shared, Workspace workspace)
    {
        (_shape, _in, _grad) = (shape, inputs, gradients);
        _checkpoints = checkpoints;
        _sums = new SsdSums<V, T>(shape, gradients, shared, workspace);
    }

    public static void Run(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, T* checkpoints, in StateSpaceDualityGradients<T> gradients, int threads, Workspace workspace)
    {
        // A task that walks all splits of a group adds them up as it goes; else each split leaves its own sums.
        int groups = shape.Groups, splits = SsdPlan.Splits(shape);
        long walks = Math.Max(1, shape.Batch * groups);
        int bundles = threads == 1 ? 1 : (int)Math.Clamp((2L * threads + walks - 1) / walks, 1, splits);
        var scan = new SsdBackward<V, T>(shape, inputs, checkpoints, gradients, bundles > 1, workspace);
        var scratch = new SsdScratch<V, T>?[threads];
        StateSpaceDualityShape sizes = shape;
        StateSpaceDualityInputs<T> given = inputs;
        KernelParallel.For(checked((int)(shape.Batch * groups * bundles)), threads, (task, worker) =>
        {
            int bundle = task % bundles;
            scan.Walk(
                task / bundles / groups, task / bundles % groups, bundle * splits / bundles, (bundle + 1) * splits / bundles,
                scratch[worker] ??= new SsdScratch<V, T>(sizes, given, workspace));
        });
        scan._sums.Finish(threads);
    }

    /// <summary>Splits [from, to) of one group of one batch entry.</summary>
    private void Walk(long batch, int group, int from, int to, SsdScratch<V, T> scratch)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        int heads = _shape.Heads / _shape.Groups, splits = SsdPlan.Splits(_shape), origin = group * heads;
        int first = origin + from * heads / splits, end = origin + to * heads / splits;
        long state = (long)_shape.HeadWidth * _shape.States, chunks = SsdPlan.Chunks(_shape.Length);
        for (int head = first; head < end; head++)
        {
            T* arriving = _grad.LastState == null ? null : _grad.LastState + (batch * _shape.Heads + head) * state;
            SsdStates<T>.Load(_shape, arriving, scratch.Carry(head - first, end - first), chunk.Wide);
        }

        for (long k = chunks - 1; k >= 0; k--)
        {
            // Packed sequences are cut apart, and walked from the last to the first.
            long begin = k * SsdPlan.Chunk, stop = Math.Min(begin + SsdPlan.Chunk, _shape.Length);
            for (int length; stop > begin; stop -= length)
            {
                length = SsdPlan.RunBefore(_shape, _in.SequenceIndex, batch, begin, stop);
                long start = stop - length;
                bool begins = SsdPlan.Begins(_shape, _in.SequenceIndex, batch, start);
                scratch.Load(batch, start, length, group);
                for (int split = from; split < to; split++)
                {
                    scratch.ClearSums();
                    for (int head = origin + split * heads / splits; head < origin + (split + 1) * heads / splits; head++)
                    {
                        T* before = k > 0 ? _checkpoints + ((batch * (chunks - 1) + k - 1) * _shape.Heads + head) * state
                            : _in.InitialState == null ? null : _in.InitialState + (batch * _shape.Heads + head) * state;
                        Head(batch, head, scratch.Carry(head - first, end - first), before, k > 0, begins, scratch);
                    }

                    scratch.JoinSums();
                    _sums.Add(batch, start, chunk.Length, group, split, split == from, scratch.GradB, scratch.GradC, chunk.Deep);
                }
            }
        }

        for (int head = first; head < end && _grad.InitialState != null; head++)
        {
            SsdStates<T>.Store(_shape, scratch.Carry(head - first, end - first), chunk.Wide, _grad.InitialState + (batch * _shape.Heads + head) * state);
        }
    }

    /// <summary>One head of one chunk; <paramref name="carry"/> goes from the end of the chunk to its start. The state before it is a checkpoint
    /// or lies as the caller's states do, null being zero; a sequence that begins reads none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Head(long batch, int head, T* carry, T* before, bool checkpoint, bool begins, SsdScratch<V, T> scratch)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        int wide = chunk.Wide;
        if (checkpoint && !begins)
        {
            SsdStates<T>.Recall(_shape, before, scratch.State, wide);
        }
        else if (!begins)
        {
            SsdStates<T>.Load(_shape, before, scratch.State, wide);
        }

        chunk.Discretize(head, scratch.Slopes, scratch.Decays);
        chunk.CopyX(head);
        SsdGate<V, T>.Skip(_shape, _in.D, head, scratch.Skip);
        chunk.Copy(_grad.Out, _grad.OutStride, head, scratch.GradY);
        if (_in.Z != null)
        {
            chunk.Copy(_in.Z, _in.ZStride, head, scratch.Z);
            chunk.Read(begins ? null : scratch.State);
            for (int row = 0; row < chunk.Length * wide; row += wide)
            {
                SsdGate<V, T>.Backward(chunk.Y + row, scratch.Skip, chunk.X + row, scratch.Z + row, scratch.GradY + row, chunk.Columns);
            }

            if (_grad.Z != null)
            {
                chunk.Write(scratch.Z, _grad.Z, _grad.ZStride, head);
            }
        }

        chunk.Transpose(chunk.X, wide, chunk.Length, _shape.HeadWidth, scratch.TransposedX);
        chunk.Transpose(scratch.GradY, wide, chunk.Length, _shape.HeadWidth, scratch.TransposedGradY);
        scratch.GradX(carry);
        scratch.Exchange(carry, reads: !begins);
        Inputs(head, scratch);
        Steps(batch, head, scratch, begins ? T.Zero : scratch.Dot(scratch.State, carry));

        // The gradient of the state before the chunk; there is none before a sequence that begins.
        if (begins)
        {
            new Span<T>(carry, chunk.StateElements).Clear();
            return;
        }

        chunk.Scale(scratch.GradY, wide, chunk.Prefix, scratch.GradY);
        var read = new TileProduct<T> { A = chunk.C, Row = 1, Step = chunk.Deep, B = scratch.GradY, BStep = wide, K = chunk.Length };
        MatrixTile<V, T>.Multiply(read, chunk.StateRows, chunk.Columns, carry, wide, chunk.Prefix[chunk.Length - 1]);
    }

    /// <summary>Gradients of x and D; the part of the gradient of d through the input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Inputs(int head, SsdScratch<V, T> scratch)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        for (int s = 0; s < chunk.Length; s++)
        {
            int row = s * chunk.Wide;
            V through = V.Zero, step = V.Broadcast(chunk.Steps[s]);
            for (int p = 0; p < chunk.Columns; p += V.Count)
            {
                V unscaled = V.Load(chunk.Y + row + p), x = V.Load(chunk.X + row + p), dy = V.Load(scratch.GradY + row + p);
                through = V.MultiplyAdd(unscaled, x, through);
                V.MultiplyAdd(V.Load(scratch.Skip + p), dy, unscaled * step).Store(chunk.Y + row + p);
                V before = s == 0 ? V.Zero : V.Load(scratch.GradSkip + p);
                V.MultiplyAdd(x, dy, before).Store(scratch.GradSkip + p);
            }

            scratch.GradSteps[s] = V.Sum(through);
        }

        if (_grad.X != null)
        {
            chunk.Write(chunk.Y, _grad.X, _grad.XStride, head);
        }
    }

    /// <summary>Gradients of dt, its bias and A.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Steps(long batch, int head, SsdScratch<V, T> scratch, T carried)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        T a = _in.A[head], before = carried * chunk.Prefix[chunk.Length - 1];
        double gradA = 0, gradBias = 0;
        for (int k = 0; k < chunk.Length; k++)
        {
            // What crosses from k - 1 to k: read from k on, of what was there before k; and left in the state after the chunk.
            T crossing = scratch.Crossing(k) + before;
            before += scratch.Written[k];
            T grad = (scratch.GradSteps[k] + a * crossing) * scratch.Slopes[k];
            gradA += double.CreateTruncating(chunk.Steps[k] * crossing);
            gradBias += double.CreateTruncating(grad);
            scratch.GradSteps[k] = grad;
        }

        _sums.AddHead(batch, head, gradA, gradBias, scratch.GradSkip);
        if (_grad.Dt != null)
        {
            for (int k = 0; k < chunk.Length; k++)
            {
                _grad.Dt[(chunk.Row + k) * _grad.DtStride + head] = scratch.GradSteps[k];
            }
        }
    }
}
