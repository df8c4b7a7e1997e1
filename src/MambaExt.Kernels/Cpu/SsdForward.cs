using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The Mamba-2 scan in chunks. What a position reads is split in two: the state before the chunk, <c>prefix_t S C_t</c>, and the positions
/// of the chunk, <c>sum_s decay(s, t) (C_t B_s) d_s x_s</c>. Both are small matrix products, and so is what the chunk adds to the state.
/// </summary>
internal sealed unsafe class SsdForward<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly StateSpaceDualityShape _shape;
    private readonly StateSpaceDualityInputs<T> _in;
    private readonly StateSpaceDualityOutputs<T> _out;

    // Rows of a head are whole vectors: no copy of them is needed.
    private readonly bool _whole;

    private SsdForward(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs) =>
        (_shape, _in, _out, _whole) = (shape, inputs, outputs, shape.HeadWidth % V.Count == 0);

    public static void Run(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, int threads, Workspace workspace)
    {
        var scan = new SsdForward<V, T>(shape, inputs, outputs);
        int groups = shape.Groups, headsOfGroup = shape.Heads / groups, heads = SsdPlan.HeadsATask(shape, threads, sizeof(T));
        int parts = (headsOfGroup + heads - 1) / heads;
        var scratch = new Scratch?[threads];
        KernelParallel.For(checked((int)(shape.Batch * groups * parts)), threads, (task, worker) =>
        {
            int part = task % parts, group = task / parts % groups, first = group * headsOfGroup + part * heads;
            scan.Walk(
                task / parts / groups, group, first, Math.Min(first + heads, (group + 1) * headsOfGroup), scratch[worker] ??= new Scratch(scan, heads, workspace));
        });
    }

    /// <summary>Heads [first, end) of one group of one batch entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Walk(long batch, int group, int first, int end, Scratch scratch)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        long state = (long)_shape.HeadWidth * _shape.States, chunks = SsdPlan.Chunks(_shape.Length);
        for (int head = first; head < end; head++)
        {
            T* source = _in.InitialState == null ? null : _in.InitialState + (batch * _shape.Heads + head) * state;
            SsdStates<T>.Load(_shape, source, scratch.State(head - first), chunk.Wide);
        }

        for (long k = 0; k < chunks; k++)
        {
            for (int head = first; head < end && k > 0 && _out.Checkpoints != null; head++)
            {
                SsdStates<T>.Keep(_shape, scratch.State(head - first), chunk.Wide, _out.Checkpoints + ((batch * (chunks - 1) + k - 1) * _shape.Heads + head) * state);
            }

            long start = k * SsdPlan.Chunk, stop = Math.Min(start + SsdPlan.Chunk, _shape.Length);
            for (int length; start < stop; start += length)
            {
                length = SsdPlan.Run(_shape, _in.SequenceIndex, batch, start, stop);
                bool begins = SsdPlan.Begins(_shape, _in.SequenceIndex, batch, start);
                chunk.Load(batch, start, length, group);
                for (int head = first; head < end; head++)
                {
                    T* held = scratch.State(head - first);
                    chunk.Discretize(head, slopes: null, decays: null);
                    Input(head, chunk);
                    chunk.Ask(_in.Z, _in.ZStride, head);
                    chunk.Ask(_out.Out, _out.OutStride, head);
                    if (head + 1 < end)
                    {
                        chunk.Ask(_in.X, _in.XStride, head + 1);
                    }

                    chunk.Read(begins || (start == 0 && _in.InitialState == null) ? null : held);
                    Finish(head, scratch);

                    // The state is turned over: what is left of it, and what the chunk adds. Nothing is read of one that is dropped.
                    chunk.Scale(chunk.StepX, chunk.Wide, chunk.Suffix, chunk.StepX);
                    var added = new TileProduct<T> { A = chunk.B, Row = 1, Step = chunk.Deep, B = chunk.StepX, BStep = chunk.Wide, K = chunk.Length };
                    MatrixTile<V, T>.Multiply(added, chunk.StateRows, chunk.Columns, held, chunk.Wide, chunk.Prefix[chunk.Length - 1]);
                }
            }
        }

        for (int head = first; head < end && _out.LastState != null; head++)
        {
            SsdStates<T>.Store(_shape, scratch.State(head - first), chunk.Wide, _out.LastState + (batch * _shape.Heads + head) * state);
        }
    }

    /// <summary>d x, from where x lies if its rows are whole vectors.</summary>
    private void Input(int head, SsdChunk<V, T> chunk)
    {
        if (_whole)
        {
            chunk.Scale(Rows(_in.X, _in.XStride, head, chunk), _in.XStride, chunk.Steps, chunk.StepX);
        }
        else
        {
            chunk.CopyX(head);
        }
    }

    /// <summary>Skip, gate, and the rows of out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(int head, Scratch scratch)
    {
        SsdChunk<V, T> chunk = scratch.Chunk;
        SsdGate<V, T>.Skip(_shape, _in.D, head, scratch.Skip);
        T* x = chunk.X, z = null, target = chunk.Y;
        long xStep = chunk.Wide, zStep = chunk.Wide, targetStep = chunk.Wide;
        if (_whole)
        {
            x = Rows(_in.X, _in.XStride, head, chunk);
            z = _in.Z == null ? null : Rows(_in.Z, _in.ZStride, head, chunk);
            target = Rows(_out.Out, _out.OutStride, head, chunk);
            (xStep, zStep, targetStep) = (_in.XStride, _in.ZStride, _out.OutStride);
        }
        else if (_in.Z != null)
        {
            chunk.Copy(_in.Z, _in.ZStride, head, z = scratch.Z);
        }

        for (int t = 0; t < chunk.Length; t++)
        {
            SsdGate<V, T>.Forward(chunk.Y + t * chunk.Wide, scratch.Skip, x + t * xStep, z == null ? null : z + t * zStep, target + t * targetStep, chunk.Columns);
        }

        if (!_whole)
        {
            chunk.Write(chunk.Y, _out.Out, _out.OutStride, head);
        }
    }

    private T* Rows(T* sequence, long stride, int head, SsdChunk<V, T> chunk) => sequence + chunk.Row * stride + (long)head * _shape.HeadWidth;

    private sealed class Scratch(SsdForward<V, T> scan, int heads, Workspace workspace)
    {
        public readonly SsdChunk<V, T> Chunk = new(scan._shape, scan._in, workspace);
        public readonly T* Skip = workspace.Allocate<T>(SsdPlan.Stride<T>(SsdPlan.Up(scan._shape.HeadWidth, V.Count)), zeroed: true);
        private T* _states;
        private T* _z;

        public T* Z => _z == null ? _z = workspace.Allocate<T>(SsdPlan.Chunk * Chunk.Wide, zeroed: true) : _z;

        public T* State(int index)
        {
            _states = _states == null ? workspace.Allocate<T>((long)heads * Chunk.StateElements, zeroed: true) : _states;
            return _states + (long)index * Chunk.StateElements;
        }
    }
}
