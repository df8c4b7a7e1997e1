using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The forward scan with channels as lanes. A task is a run of channel blocks of one batch entry (and a segment of L, where
/// there would be too few tasks); it walks L in chunks, and within a chunk its blocks, so that the rows of u, delta, B and C are read
/// while they are in the cache.
/// </summary>
internal sealed unsafe partial class SelectiveScanForward<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly SelectiveScanShape _shape;
    private readonly SelectiveScanInputs<T> _in;
    private readonly SelectiveScanOutputs<T> _out;
    private readonly ScanPlan _plan;
    private readonly Workspace _workspace;
    private readonly int _blockElements;
    private readonly T* _a;
    private readonly T* _largestA;
    private readonly T* _b;
    private readonly T* _c;
    private readonly ScanLoops<V, T> _run;
    private readonly ScanLoops<V, T> _advance;

    private SelectiveScanForward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, Workspace workspace)
    {
        _shape = shape;
        _in = inputs;
        _out = outputs;
        _plan = new ScanPlan(shape, V.Count);
        _workspace = workspace;
        _blockElements = shape.States * V.Count;
        _a = ScanParameters<V, T>.Decay(shape, _plan, inputs.A, workspace);
        _largestA = ScanParameters<V, T>.Largest(shape, _plan, _a, workspace);
        _b = shape.PerPositionB ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.B, workspace);
        _c = shape.PerPositionC || inputs.C == null ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.C, workspace);
        _run = ScanLoops<V, T>.Output(shape.PerPositionB, shape.PerPositionC);
        _advance = ScanLoops<V, T>.StateOnly(shape.PerPositionB);
    }

    public static void Run(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, int threads, Workspace workspace)
    {
        var scan = new SelectiveScanForward<V, T>(shape, inputs, outputs, workspace);
        if (scan._plan.Segments > 1)
        {
            scan.RunSegments(threads);
        }
        else
        {
            scan.RunWhole(threads);
        }
    }

    private void RunWhole(int threads)
    {
        // Runs of an even number of blocks: two 256-bit blocks share a cache line.
        int run = _plan.Blocks >= 64 ? 8 : _plan.Blocks >= 16 ? 4 : _plan.Blocks >= 4 ? 2 : 1;
        int runs = (_plan.Blocks + run - 1) / run;
        var scratch = new Scratch[Math.Min((long)threads, _plan.Entries * runs)];
        KernelParallel.For(checked((int)(_plan.Entries * runs)), threads, (task, worker) =>
        {
            ref Scratch mine = ref scratch[worker];
            mine.Prepare(this, run);
            long batch = task / runs;
            int first = task % runs * run;
            int end = Math.Min(first + run, _plan.Blocks);
            InitialState(batch, first, end, mine.State);
            Walk(batch, first, end, 0, _plan.LengthOf(batch), mine, whole: true, null);
            LastState(batch, first, end, mine.State);
        });
    }

    /// <summary>Scans positions [from, to) of blocks [first, end). <paramref name="whole"/>: write the outputs, else only advance the
    /// state and, for one block, add up dt.</summary>
    private void Walk(long batch, int first, int end, long from, long to, in Scratch scratch, bool whole, T* sumOfSteps)
    {
        var rows = new ScanRows(_shape, _plan, batch);
        int* starts = stackalloc int[ScanPlan.Chunk];
        V sum = V.Zero;
        for (long start = from; start < to; start += ScanPlan.Chunk)
        {
            int steps = (int)Math.Min(ScanPlan.Chunk, to - start);
            if (whole && _out.Checkpoints != null && start % _plan.CheckpointSteps == 0)
            {
                long at = (batch * _plan.Checkpoints + start / _plan.CheckpointSteps) * _plan.Blocks + first;
                long elements = (long)(end - first) * _blockElements;
                new Span<T>(scratch.State, (int)elements).CopyTo(new Span<T>(_out.Checkpoints + at * _blockElements, (int)elements));
            }

            int sequences = ScanChunk<V, T>.Sequences(_in.SequenceIndex, rows, start, steps, starts, out bool continues);
            for (int strip = first; strip < end; strip += ScanPlan.Strip)
            {
                int blocks = Math.Min(ScanPlan.Strip, end - strip);
                Discretize(rows, start, steps, strip, blocks, scratch);
                bool wrap = strip + blocks >= end;
                RowsAhead ahead = Next(rows, wrap ? start + steps : start, to, wrap ? first : strip + blocks, end, blocks);
                for (int j = 0; j < blocks; j++)
                {
                    Recur(rows, start, steps, strip + j, scratch, scratch.State + (long)(strip - first + j) * _blockElements, j, starts, sequences, continues, whole, ref ahead);
                }

                if (!whole)
                {
                    for (int t = 0; t < steps; t++)
                    {
                        sum += V.Load(scratch.Steps + t * V.Count);
                    }
                }
                else if (!_shape.ReturnStates)
                {
                    Finish(rows, start, steps, strip, blocks, scratch);
                }
            }
        }

        if (sumOfSteps != null)
        {
            sum.Store(sumOfSteps);
        }
    }

    private RowsAhead Next(in ScanRows rows, long start, long to, int strip, int end, int blocksNow)
    {
        int channel = _plan.FirstChannel(strip);
        int bytes = Math.Min(ScanPlan.Strip, end - strip) * V.Count * sizeof(T);
        var ahead = new RowsAhead(rows, start, Math.Min(start + ScanPlan.Chunk, to), bytes, blocksNow * (_shape.States / 4 + _shape.States % 4));
        ahead.Add(_in.U, _in.UStride, channel);
        ahead.Add(_in.Delta, _in.DeltaStride, channel);
        ahead.Add(_in.Z, _in.ZStride, channel);
        ahead.Add(_shape.ReturnStates ? null : _out.Out, _out.OutStride, channel);
        return ahead;
    }

    /// <summary>dt = softplus(delta + bias), dt u, and y = D u to begin with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Discretize(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        bool softplus = _shape.Softplus;
        for (int j = 0; j < blocks; j++)
        {
            int channel = _plan.FirstChannel(strip + j), channels = _plan.ChannelsIn(strip + j);
            V bias = _in.DeltaBias == null ? V.Zero : ScanBlock<V, T>.Load(_in.DeltaBias + channel, channels);
            V skip = _in.D == null ? V.Zero : ScanBlock<V, T>.Load(_in.D + channel, channels);
            T* u = _in.U + rows.Row(start) * _in.UStride + channel;
            T* delta = _in.Delta + rows.Row(start) * _in.DeltaStride + channel;
            long uStep = rows.Direction * _in.UStride, deltaStep = rows.Direction * _in.DeltaStride;
            int first = j * ScanPlan.Chunk * V.Count;
            T* dt = scratch.Steps + first, du = scratch.Inputs + first, y = scratch.Y + first;
            V largest = V.Zero;
            for (T* end = dt + steps * V.Count; dt < end; dt += V.Count, du += V.Count, y += V.Count)
            {
                V input = ScanBlock<V, T>.Load(u, channels);
                V step = ScanChunk<V, T>.Discretize(ScanBlock<V, T>.Load(delta, channels), bias, softplus);
                step.Store(dt);
                (step * input).Store(du);
                (skip * input).Store(y);
                largest = V.MaxNative(largest, V.Abs(step));
                u += uStep;
                delta += deltaStep;
            }

            scratch.Bounded[j] = ScanBlock<V, T>.Largest(largest) * _largestA[strip + j] < BoundedExp2<V, T>.Limit;
        }
    }

    private void Recur(in ScanRows rows, long start, int steps, int block, in Scratch scratch, T* state, int j, int* starts, int sequences, bool continues, bool whole, ref RowsAhead ahead)
    {
        int group = block / _plan.BlocksPerGroup, states = _shape.States;
        int at = j * ScanPlan.Chunk * V.Count;
        T* b = _shape.PerPositionB ? _in.B + rows.Row(start) * _in.BStride + group * states : _b + (long)block * _blockElements;
        T* c = _in.C == null ? null : _shape.PerPositionC ? _in.C + rows.Row(start) * _in.CStride + group * states : _c + (long)block * _blockElements;
        long bStep = rows.Direction * _in.BStride, cStep = rows.Direction * _in.CStride;
        T* decay = _a + (long)block * _blockElements;
        if (!_shape.ReturnStates)
        {
            (whole ? _run : _advance).Run(scratch.Steps + at, scratch.Inputs + at, scratch.Y + at, decay, state, b, bStep, c, cStep, states, starts, sequences, steps, continues, scratch.Bounded[j], ref ahead);
            return;
        }

        for (int t = 0, sequence = 0; t < steps; t++)
        {
            // One step at a time: every state is written out, so memory and not arithmetic sets the pace.
            bool begins = sequence < sequences && starts[sequence] == t && (++sequence > 1 || !continues);
            _advance.Run(scratch.Steps + at, scratch.Inputs + at, null, decay, state, b, bStep, null, 0, states, &t, 1, t + 1, !begins, scratch.Bounded[j], ref ahead);
            T* target = _out.Out + rows.Row(start + t) * _out.OutStride + (long)_plan.FirstChannel(block) * states;
            ScanBlock<V, T>.TransposeBack(state, target, _plan.ChannelsIn(block), states, T.One);
        }
    }

    /// <summary>The gate, and the rows of out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        for (int j = 0; j < blocks; j++)
        {
            int channel = _plan.FirstChannel(strip + j), channels = _plan.ChannelsIn(strip + j);
            T* result = _out.Out + rows.Row(start) * _out.OutStride + channel;
            T* z = _in.Z == null ? null : _in.Z + rows.Row(start) * _in.ZStride + channel;
            long resultStep = rows.Direction * _out.OutStride, zStep = rows.Direction * _in.ZStride;
            T* y = scratch.Y + j * ScanPlan.Chunk * V.Count;
            for (int t = 0; t < steps; t++)
            {
                V value = V.Load(y + t * V.Count);
                if (z != null)
                {
                    V gate = ScanBlock<V, T>.Load(z, channels);
                    value = value * gate * VectorMath.Sigmoid<V, T>(gate);
                    z += zStep;
                }

                ScanBlock<V, T>.Store(value, result, channels);
                result += resultStep;
            }
        }
    }

    private void InitialState(long batch, int first, int end, T* state)
    {
        for (int block = first; block < end; block++, state += _blockElements)
        {
            if (_in.InitialState == null)
            {
                new Span<T>(state, _blockElements).Clear();
            }
            else
            {
                T* source = _in.InitialState + (batch * _shape.Channels + _plan.FirstChannel(block)) * _shape.States;
                ScanBlock<V, T>.Transpose(source, state, _plan.ChannelsIn(block), _shape.States, T.One);
            }
        }
    }

    private void LastState(long batch, int first, int end, T* state)
    {
        for (int block = first; block < end && _out.LastState != null; block++, state += _blockElements)
        {
            T* target = _out.LastState + (batch * _shape.Channels + _plan.FirstChannel(block)) * _shape.States;
            ScanBlock<V, T>.TransposeBack(state, target, _plan.ChannelsIn(block), _shape.States, T.One);
        }
    }

    /// <summary>What one thread needs while it works on a run of blocks.</summary>
    private struct Scratch
    {
        public T* State;
        public T* Steps;
        public T* Inputs;
        public T* Y;

        /// <summary>Of each block of the strip: no decay of the chunk needs bounds.</summary>
        public bool* Bounded;

        public void Prepare(SelectiveScanForward<V, T> scan, int blocks)
        {
            if (State == null)
            {
                const int Elements = ScanPlan.Strip * ScanPlan.Chunk;
                State = scan._workspace.Allocate<T>((long)blocks * scan._blockElements);
                Steps = scan._workspace.Allocate<T>(Elements * V.Count);
                Inputs = scan._workspace.Allocate<T>(Elements * V.Count);
                Y = scan._workspace.Allocate<T>(Elements * V.Count);
                Bounded = scan._workspace.Allocate<bool>(ScanPlan.Strip);
            }
        }
    }
}
