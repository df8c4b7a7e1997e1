using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The backward scan with channels as lanes (or states). A task is a run of batch entries, some splits of the blocks and a piece of L; it
/// walks its chunks from the end. In a chunk, for each block and two states at a time, the states are recomputed from the
/// checkpoint and the sweep runs back over them while they are in the first-level cache. Each task has its own partial sums, which are
/// added in a fixed order at the end: no atomics, the same bits at any number of threads.
/// </summary>
internal sealed unsafe partial class SelectiveScanBackward<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly SelectiveScanShape _shape;
    private readonly SelectiveScanInputs<T> _in;
    private readonly SelectiveScanGradients<T> _grad;
    private readonly T* _checkpoints;
    private readonly ScanPlan _plan;
    private readonly Workspace _workspace;
    private readonly int _blockElements;
    private readonly int _chunk;
    private readonly int _strip;
    private readonly T* _a;
    private readonly T* _largestA;
    private readonly T* _bias;
    private readonly T* _skip;
    private readonly T* _b;
    private readonly T* _c;
    private readonly ScanLoops<V, T> _recompute;
    private readonly ScanSweepLoops<V, T> _sweep;
    private readonly ScanPartials<V, T> _partials;

    /// <summary>What arrives at the end of each piece of L: [B, segments, blocks, N, lanes]. Null where L is not cut.</summary>
    private T* _carries;

    private SelectiveScanBackward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, T* checkpoints, in SelectiveScanGradients<T> gradients, Workspace workspace)
    {
        _shape = shape;
        _in = inputs;
        _grad = gradients;
        _checkpoints = checkpoints;
        _plan = new ScanPlan(shape, V.Count, backward: true);
        _workspace = workspace;
        _blockElements = _plan.BlockElements;
        _chunk = _plan.CheckpointSteps;
        _strip = Math.Clamp(ScanPlan.Strip<V, T>() * ScanPlan.Chunk / _chunk, 1, _plan.Blocks);
        _a = ScanParameters<V, T>.Decay(shape, _plan, inputs.A, workspace);
        _largestA = ScanParameters<V, T>.Largest(_plan, _a, workspace);
        _bias = ScanParameters<V, T>.Channels(_plan, inputs.DeltaBias, workspace);
        _skip = ScanParameters<V, T>.Channels(_plan, inputs.D, workspace);
        _b = shape.PerPositionB ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.B, workspace);
        _c = shape.PerPositionC || inputs.C == null ? null : ScanParameters<V, T>.Constant(shape, _plan, inputs.C, workspace);
        bool lanes = _plan.StatesAsLanes;
        _recompute = ScanLoops<V, T>.Kept(shape.PerPositionB && !lanes, shape.PerPositionC && !lanes, inputs.Z != null);
        _sweep = ScanSweepLoops<V, T>.For(shape.PerPositionB, shape.PerPositionC, shape.ReturnStates, lanes);
        _partials = new ScanPartials<V, T>(shape, _plan, gradients, workspace);
    }

    public static void Run(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, T* checkpoints, in SelectiveScanGradients<T> gradients, int threads, Workspace workspace)
    {
        var scan = new SelectiveScanBackward<V, T>(shape, inputs, checkpoints, gradients, workspace);
        if (scan._plan.Segments > 1)
        {
            scan.JoinCarries(threads);
        }

        // Splits have sums of their own, so the threads may say how many a task walks side by side: the more, the longer the stretches read of a row.
        int parts = shape.Groups * scan._plan.SplitsPerGroup, pieces = scan._plan.BatchRuns * scan._plan.Segments;
        int bundles = Math.Clamp((threads + pieces - 1) / pieces, 1, parts);
        var scratch = new Scratch[threads];
        KernelParallel.For(pieces * bundles, threads, (task, worker) =>
        {
            scratch[worker].Prepare(scan);
            int run = task / bundles / scan._plan.Segments, segment = task / bundles % scan._plan.Segments, bundle = task % bundles;
            int first = ScanPlan.PartStart(bundle, bundles, parts), end = ScanPlan.PartStart(bundle + 1, bundles, parts);
            long from = run * scan._plan.Entries / scan._plan.BatchRuns, to = (run + 1L) * scan._plan.Entries / scan._plan.BatchRuns;
            for (long batch = from; batch < to; batch++)
            {
                scan.Walk(batch, run, segment, first, end, scratch[worker]);
            }
        });

        scan._partials.Finish(gradients, threads);
    }

    /// <summary>First block of a part, a split of one group.</summary>
    private int FirstBlock(int part) =>
        part / _plan.SplitsPerGroup * _plan.BlocksPerGroup + ScanPlan.PartStart(part % _plan.SplitsPerGroup, _plan.SplitsPerGroup, _plan.BlocksPerGroup);

    /// <summary>One batch entry, one piece of L, parts [firstPart, endPart).</summary>
    private void Walk(long batch, int run, int segment, int firstPart, int endPart, in Scratch scratch)
    {
        var rows = new ScanRows(_shape, _plan, batch);
        long from = _plan.SegmentStart(segment);
        long to = segment == _plan.Segments - 1 ? _plan.LengthOf(batch) : _plan.SegmentStart(segment + 1);
        int first = FirstBlock(firstPart), end = FirstBlock(endPart);
        LoadCarry(batch, segment, first, end, scratch.Carry);
        int* starts = stackalloc int[_chunk];
        for (long start = from + (to - from - 1) / _chunk * _chunk; start >= from && to > from; start -= _chunk)
        {
            int steps = (int)Math.Min(_chunk, to - start);
            int sequences = ScanChunk<V, T>.Sequences(_in.SequenceIndex, rows, start, steps, starts, out bool continues);
            ScanSelections<V, T> selections = default;
            for (int part = firstPart; part < endPart; part++)
            {
                _partials.ClearChunk(scratch.GradB, scratch.GradC, steps);
                int endOfPart = FirstBlock(part + 1);
                for (int strip = FirstBlock(part), blocks; strip < endOfPart; strip += blocks)
                {
                    blocks = _plan.StripFrom(strip, endOfPart, _strip);
                    Discretize(rows, start, steps, strip, blocks, scratch);
                    bool wrap = strip + blocks >= end;
                    RowsAhead ahead = Next(rows, wrap ? start - _chunk : start, wrap ? start : start + steps, from, wrap ? first : strip + blocks, end, blocks);
                    for (int j = 0; j < blocks; j++)
                    {
                        selections.PointTo(rows, start, steps, _shape, _plan, _in, _b, _c, strip + j, scratch.WideB, scratch.WideC);
                        SweepBlock(batch, rows, start, steps, run, segment, strip + j, j, strip + j - first, selections, scratch, starts, sequences, continues, ref ahead);
                    }

                    Finish(rows, start, steps, strip, blocks, scratch, _partials.D(run, segment, strip), _partials.DeltaBias(run, segment, strip));
                }

                _partials.WriteChunk(rows, start, steps, part % _plan.SplitsPerGroup, part / _plan.SplitsPerGroup, scratch.GradB, scratch.GradC);
            }
        }

        if (segment == 0)
        {
            ScanBlock<V, T>.StoreStates(_plan, _shape, scratch.Carry, batch, first, end, _grad.InitialState);
        }
    }

    /// <summary>Recomputes and sweeps one block over one chunk, two states at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SweepBlock(
        long batch, in ScanRows rows, long start, int steps, int run, int segment, int block, int j, int at, in ScanSelections<V, T> selections, in Scratch scratch,
        int* starts, int sequences, bool continues, ref RowsAhead ahead)
    {
        int lanes = V.Count, keepStep = (_chunk + 1) * lanes, partStep = _chunk * lanes;
        int own = j * Apart;
        long bStep = selections.BStep, cStep = selections.CStep;
        bool scalarB = _shape.PerPositionB && !_plan.StatesAsLanes, scalarC = _shape.PerPositionC && !_plan.StatesAsLanes;
        T* checkpoint = _checkpoints + ((batch * _plan.Checkpoints + start / _plan.CheckpointSteps) * _plan.Blocks + block) * _blockElements;
        var buffers = new SweepBuffers<T>
        {
            Steps = scratch.Strip.Steps + own,
            Inputs = scratch.Strip.Inputs + own,
            GradY = scratch.Strip.GradY + own,
            GradInputs = scratch.Strip.GradInputs + own,
            GradSteps = scratch.Strip.GradSteps + own,
            Kept = scratch.Kept,
            Decays = scratch.Decays,
            GradStates = scratch.GradStates,
        };
        T* gradA = _partials.A(run, segment, block);
        T* h = stackalloc T[2 * lanes];
        for (int n = 0; n < _plan.Vectors; n += 2)
        {
            bool pair = n + 1 < _plan.Vectors;
            int width = (pair ? 2 : 1) * lanes;
            T* a = _a + (long)block * _blockElements + n * lanes;
            T* b = selections.B + (scalarB ? n : n * lanes);
            T* c = selections.C + (scalarC ? n : n * lanes);
            new Span<T>(checkpoint + n * lanes, width).CopyTo(new Span<T>(h, width));
            for (int i = 0; i < width; i += lanes)
            {
                V.Load(h + i).Store(scratch.Kept + (i == 0 ? 0 : keepStep));
            }

            for (int i = 0; i < (pair ? 2 : 1); i++)
            {
                _recompute.One(
                    buffers.Steps, buffers.Inputs, scratch.Strip.Y + own, a, h, b, bStep, c, cStep, i, starts, sequences, steps, continues, scratch.Bounded[j],
                    scratch.Kept + i * keepStep, scratch.Decays + i * keepStep);
            }

            if (_shape.ReturnStates)
            {
                LoadGradStates(rows, start, steps, block, n, pair, scratch.GradStates, keepStep);
            }

            T* carry = scratch.Carry + (long)at * _blockElements + n * lanes;
            T* gradB = _shape.PerPositionB ? scratch.GradB + (long)n * partStep : _partials.B(run, segment, block) + n * lanes;
            T* gradC = _shape.PerPositionC ? scratch.GradC + (long)n * partStep : _partials.C(run, segment, block) + n * lanes;
            if (pair)
            {
                _sweep.Pair(in buffers, a, gradA + n * lanes, carry, b, bStep, c, cStep, gradB, gradC, partStep, keepStep, starts, sequences, steps, continues);
            }
            else
            {
                _sweep.Single(in buffers, a, gradA + n * lanes, carry, b, bStep, c, cStep, gradB, gradC, starts, sequences, steps, continues);
            }

            ahead.Ask();
        }
    }

    private void LoadGradStates(in ScanRows rows, long start, int steps, int block, int n, bool pair, T* target, int keepStep)
    {
        int channels = _plan.ChannelsIn(block);
        for (int t = 0; t < steps; t++)
        {
            T* row = _grad.Out + rows.Row(start + t) * _grad.OutStride + (long)_plan.FirstChannel(block) * _shape.States;
            if (_plan.StatesAsLanes)
            {
                for (int lane = 0; lane < (pair ? 2 : 1) * V.Count; lane++)
                {
                    int state = n * V.Count + lane;
                    target[lane / V.Count * keepStep + t * V.Count + lane % V.Count] = state < _shape.States ? row[state] : T.Zero;
                }

                continue;
            }

            row += n;
            for (int lane = 0; lane < V.Count; lane++)
            {
                target[t * V.Count + lane] = lane < channels ? row[(long)lane * _shape.States] : T.Zero;
                if (pair)
                {
                    target[keepStep + t * V.Count + lane] = lane < channels ? row[(long)lane * _shape.States + 1] : T.Zero;
                }
            }
        }
    }

    private RowsAhead Next(in ScanRows rows, long start, long to, long from, int strip, int end, int blocksNow)
    {
        int channel = _plan.FirstChannel(strip);
        int bytes = _plan.StripFrom(strip, end, _strip) * V.Count * sizeof(T);
        var ahead = new RowsAhead(rows, start, start < from ? start : to, bytes, blocksNow * ((_plan.Vectors + 1) / 2));
        ahead.Add(_in.U, _in.UStride, channel);
        ahead.Add(_in.Delta, _in.DeltaStride, channel);
        ahead.Add(_in.Z, _in.ZStride, channel);
        ahead.Add(_shape.ReturnStates ? null : _grad.Out, _grad.OutStride, channel);
        ahead.Add(_grad.U, _grad.UStride, channel);
        ahead.Add(_grad.Delta, _grad.DeltaStride, channel);
        ahead.Add(_grad.Z, _grad.ZStride, channel);
        return ahead;
    }

    private void LoadCarry(long batch, int segment, int first, int end, T* carry)
    {
        if (segment < _plan.Segments - 1)
        {
            T* source = _carries + ((batch * _plan.Segments + segment) * _plan.Blocks + first) * _blockElements;
            long elements = (long)(end - first) * _blockElements;
            new Span<T>(source, (int)elements).CopyTo(new Span<T>(carry, (int)elements));
            return;
        }

        ScanBlock<V, T>.LoadStates(_plan, _shape, _grad.LastState, batch, first, end, carry);
    }
}
