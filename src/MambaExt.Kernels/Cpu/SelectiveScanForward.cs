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
    private readonly T* _bias;
    private readonly T* _skip;
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
        _blockElements = _plan.BlockElements;
        _a = ScanParameters<V, T>.Decay(shape, _plan, inputs.A, workspace);
        _largestA = ScanParameters<V, T>.Largest(_plan, _a, workspace);
        _bias = ScanParameters<V, T>.Channels(_plan, inputs.DeltaBias, workspace);
        _skip = ScanParameters<V, T>.Channels(_plan, inputs.D, workspace);
        _b = shape.PerPositionB ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.B, workspace);
        _c = shape.PerPositionC || inputs.C == null ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.C, workspace);
        _run = ScanLoops<V, T>.Output(shape.PerPositionB && !_plan.StatesAsLanes, shape.PerPositionC && !_plan.StatesAsLanes);
        _advance = ScanLoops<V, T>.StateOnly(shape.PerPositionB && !_plan.StatesAsLanes);
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
        // No number passes between blocks, so the threads may say how many a task takes: the more, the longer the stretches read of a row.
        // An even number: two 256-bit blocks share a cache line.
        long perEntry = threads == 1 ? 1 : Math.Max(1, 4L * threads / Math.Max(1, _plan.Entries));
        int run = (int)((_plan.Blocks + perEntry - 1) / perEntry + 1) / 2 * 2;
        int runs = (_plan.Blocks + run - 1) / run;
        var scratch = new Scratch[Math.Min((long)threads, _plan.Entries * runs)];
        KernelParallel.For(checked((int)(_plan.Entries * runs)), threads, (task, worker) =>
        {
            ref Scratch mine = ref scratch[worker];
            mine.Prepare(this, Math.Min(run, _plan.Blocks));
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
            ScanSelections<V, T> selections = default;
            for (int strip = first, blocks; strip < end; strip += blocks)
            {
                blocks = _plan.StripFrom(strip, end, ScanPlan.Strip<V, T>());
                Discretize(rows, start, steps, strip, blocks, scratch);
                bool wrap = strip + blocks >= end;
                RowsAhead ahead = Next(rows, wrap ? start + steps : start, to, wrap ? first : strip + blocks, end, blocks);
                for (int j = 0; j < blocks; j++)
                {
                    selections.PointTo(rows, start, steps, _shape, _plan, _in, _b, _c, strip + j, scratch.WideB, scratch.WideC);
                    Recur(rows, start, steps, strip + j, selections, scratch, scratch.State + (long)(strip - first + j) * _blockElements, j, starts, sequences, continues, whole, ref ahead);
                }

                if (!whole)
                {
                    for (int t = 0; t < steps; t++)
                    {
                        sum += V.Load(scratch.Strip.Steps + t * V.Count);
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
        int bytes = _plan.StripFrom(strip, end, ScanPlan.Strip<V, T>()) * V.Count * sizeof(T);
        var ahead = new RowsAhead(rows, start, Math.Min(start + ScanPlan.Chunk, to), bytes, blocksNow * (_plan.Vectors / 4 + _plan.Vectors % 4));
        ahead.Add(_in.U, _in.UStride, channel);
        ahead.Add(_in.Delta, _in.DeltaStride, channel);
        ahead.Add(_in.Z, _in.ZStride, channel);
        ahead.Add(_shape.ReturnStates ? null : _out.Out, _out.OutStride, channel);
        return ahead;
    }

    /// <summary>dt = softplus(delta + bias), dt u, and y = D u to begin with.</summary>
    private void Discretize(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        if (_plan.StatesAsLanes)
        {
            DiscretizeChannel(rows, start, steps, strip, scratch);
            return;
        }

        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        T* u = _in.U + rows.Row(start) * _in.UStride + channel, delta = _in.Delta + rows.Row(start) * _in.DeltaStride + channel;
        long uStep = rows.Direction * _in.UStride, deltaStep = rows.Direction * _in.DeltaStride;
        if (channels < V.Count)
        {
            u = ScanBlock<V, T>.Widen(u, ref uStep, channels, steps, scratch.First);
            delta = ScanBlock<V, T>.Widen(delta, ref deltaStep, channels, steps, scratch.Second);
        }

        DiscretizeRows(u, uStep, delta, deltaStep, strip, scratch.Strip, steps, blocks, scratch);
    }

    /// <summary>As <see cref="Discretize"/> for one channel, steps as lanes; the recurrence finds each result in all lanes of a vector, and y at zero.</summary>
    private void DiscretizeChannel(in ScanRows rows, long start, int steps, int block, in Scratch scratch)
    {
        int channel = _plan.FirstChannel(block);
        T* u = ScanBlock<V, T>.Gather(_in.U + rows.Row(start) * _in.UStride + channel, rows.Direction * _in.UStride, steps, scratch.First);
        T* delta = ScanBlock<V, T>.Gather(_in.Delta + rows.Row(start) * _in.DeltaStride + channel, rows.Direction * _in.DeltaStride, steps, scratch.Second);
        DiscretizeRows(u, V.Count, delta, V.Count, block, scratch.Line, (steps + V.Count - 1) / V.Count, 1, scratch);
        ScanBlock<V, T>.Spread(scratch.Line.Steps, scratch.Strip.Steps, steps);
        ScanBlock<V, T>.Spread(scratch.Line.Inputs, scratch.Strip.Inputs, steps);
        new Span<T>(scratch.Strip.Y, steps * V.Count).Clear();
    }

    private void DiscretizeRows(T* u, long uStep, T* delta, long deltaStep, int first, in ForwardStrip<T> target, int steps, int blocks, in Scratch scratch)
    {
        T* bias = _bias + (long)first * V.Count, skip = _skip + (long)first * V.Count;
        if (_shape.Softplus)
        {
            ScanForwardRows<V, T>.Discretize<On>(u, uStep, delta, deltaStep, bias, skip, target, steps, blocks);
        }
        else
        {
            ScanForwardRows<V, T>.Discretize<Off>(u, uStep, delta, deltaStep, bias, skip, target, steps, blocks);
        }

        for (int j = 0; j < blocks; j++)
        {
            scratch.Bounded[j] = ScanBlock<V, T>.Largest(V.Load(target.Largest + j * V.Count)) * _largestA[first + j] < BoundedExp2<V, T>.Limit;
        }
    }

    private void Recur(in ScanRows rows, long start, int steps, int block, in ScanSelections<V, T> selections, in Scratch scratch, T* state, int j, int* starts, int sequences, bool continues, bool whole, ref RowsAhead ahead)
    {
        int vectors = _plan.Vectors;
        int at = j * ScanPlan.Chunk * V.Count;
        T* decay = _a + (long)block * _blockElements;
        if (!_shape.ReturnStates)
        {
            (whole ? _run : _advance).Run(scratch.Strip.Steps + at, scratch.Strip.Inputs + at, scratch.Strip.Y + at, decay, state, selections.B, selections.BStep, selections.C, selections.CStep, vectors, starts, sequences, steps, continues, scratch.Bounded[j], ref ahead);
            return;
        }

        for (int t = 0, sequence = 0; t < steps; t++)
        {
            // One step at a time: every state is written out, so memory and not arithmetic sets the pace.
            bool begins = sequence < sequences && starts[sequence] == t && (++sequence > 1 || !continues);
            _advance.Run(scratch.Strip.Steps + at, scratch.Strip.Inputs + at, null, decay, state, selections.B, selections.BStep, null, 0, vectors, &t, 1, t + 1, !begins, scratch.Bounded[j], ref ahead);
            ScanBlock<V, T>.Store(_plan, _shape.States, state, block, _out.Out + rows.Row(start + t) * _out.OutStride);
        }
    }

    /// <summary>The gate, and the rows of out.</summary>
    private void Finish(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        int channel = _plan.FirstChannel(strip), channels = _plan.ChannelsIn(strip);
        T* result = _out.Out + rows.Row(start) * _out.OutStride + channel;
        T* z = _in.Z == null ? null : _in.Z + rows.Row(start) * _in.ZStride + channel;
        long resultStep = rows.Direction * _out.OutStride, zStep = z == null ? 0 : rows.Direction * _in.ZStride;
        if (_plan.StatesAsLanes)
        {
            ScanBlock<V, T>.AddLanes(scratch.Strip.Y, scratch.Line.Y, steps);
            z = z == null ? null : ScanBlock<V, T>.Gather(z, zStep, steps, scratch.First);
            ScanForwardRows<V, T>.Gate(scratch.Line.Y, z, z == null ? 0 : V.Count, scratch.Second, V.Count, (steps + V.Count - 1) / V.Count, 1);
            ScanBlock<V, T>.Scatter(scratch.Second, result, resultStep, steps);
            return;
        }

        if (channels == V.Count)
        {
            ScanForwardRows<V, T>.Gate(scratch.Strip.Y, z, zStep, result, resultStep, steps, blocks);
            return;
        }

        z = z == null ? null : ScanBlock<V, T>.Widen(z, ref zStep, channels, steps, scratch.First);
        ScanForwardRows<V, T>.Gate(scratch.Strip.Y, z, zStep, scratch.Second, V.Count, steps, 1);
        ScanBlock<V, T>.Narrow(scratch.Second, result, resultStep, channels, steps);
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
                ScanBlock<V, T>.Load(_plan, _shape.States, _in.InitialState + batch * _shape.Channels * _shape.States, block, state, T.One);
            }
        }
    }

    private void LastState(long batch, int first, int end, T* state)
    {
        for (int block = first; block < end && _out.LastState != null; block++, state += _blockElements)
        {
            ScanBlock<V, T>.Store(_plan, _shape.States, state, block, _out.LastState + batch * _shape.Channels * _shape.States);
        }
    }

    /// <summary>What one thread needs while it works on a run of blocks.</summary>
    private struct Scratch
    {
        public T* State;
        public ForwardStrip<T> Strip;

        /// <summary>The same of one channel, [chunk], where states are the lanes.</summary>
        public ForwardStrip<T> Line;

        /// <summary>Rows of B where they fill no whole vectors of states.</summary>
        public T* WideB;

        /// <summary>As <see cref="WideB"/>.</summary>
        public T* WideC;

        /// <summary>Of each block of the strip: no decay of the chunk needs bounds.</summary>
        public bool* Bounded;

        /// <summary>Rows of a block with lanes to spare, [chunk, lanes].</summary>
        public T* First;

        /// <inheritdoc cref="First"/>
        public T* Second;

        public void Prepare(SelectiveScanForward<V, T> scan, int blocks)
        {
            if (State == null)
            {
                Workspace workspace = scan._workspace;
                int strip = Math.Min(ScanPlan.Strip<V, T>(), scan._plan.Blocks) * V.Count, elements = strip * ScanPlan.Chunk;
                State = workspace.Allocate<T>((long)blocks * scan._blockElements);
                Strip = NewStrip(workspace, elements, strip);
                if (scan._plan.StatesAsLanes)
                {
                    Line = NewStrip(workspace, ScanPlan.Chunk, V.Count);
                    bool wide = scan._shape.States % V.Count != 0;
                    WideB = wide ? workspace.Allocate<T>((long)ScanPlan.Chunk * scan._blockElements) : null;
                    WideC = wide ? workspace.Allocate<T>((long)ScanPlan.Chunk * scan._blockElements) : null;
                }

                Bounded = workspace.Allocate<bool>(strip);
                First = workspace.Allocate<T>(ScanPlan.Chunk * V.Count);
                Second = workspace.Allocate<T>(ScanPlan.Chunk * V.Count);
            }
        }

        private static ForwardStrip<T> NewStrip(Workspace workspace, int elements, int row) => new()
        {
            Steps = workspace.Allocate<T>(elements),
            Inputs = workspace.Allocate<T>(elements),
            Y = workspace.Allocate<T>(elements),
            Largest = workspace.Allocate<T>(row),
        };
    }
}
