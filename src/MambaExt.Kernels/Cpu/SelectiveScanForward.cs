using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The forward scan with channels as lanes (or states, see <see cref="ScanPlan.StatesAsLanes"/>). A task is a run of channel blocks of one batch entry (and a segment of L, where
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
        long perEntry = Math.Max(1, (threads + _plan.Entries - 1) / Math.Max(1, _plan.Entries));
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
            ScanBlock<V, T>.LoadStates(_plan, _shape, _in.InitialState, batch, first, end, mine.State);
            Walk(batch, first, end, 0, _plan.LengthOf(batch), mine, whole: true, null);
            ScanBlock<V, T>.StoreStates(_plan, _shape, mine.State, batch, first, end, _out.LastState);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
}
