using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <content>How a long sequence is joined from its pieces.</content>
internal sealed unsafe partial class SelectiveScanBackward<V, T>
{
    /// <summary>
    /// L in pieces: every piece but the first sends a carry into the one before it. Each is computed from a zero carry, then they
    /// are joined from the end: carry_start = local + 2^(A' sum dt) carry_end.
    /// </summary>
    private void JoinCarries(int threads)
    {
        int blocks = _plan.Blocks, segments = _plan.Segments, later = segments - 1;
        int batches = checked((int)_shape.Batch);
        _carries = _workspace.Allocate<T>((long)batches * segments * blocks * _blockElements);
        T* sums = _workspace.Allocate<T>((long)batches * later * blocks * V.Count, zeroed: true);
        var scratch = new Scratch[threads];
        KernelParallel.For(checked(batches * later * blocks), threads, (task, worker) =>
        {
            scratch[worker].Prepare(this);
            long batch = task / (later * blocks);
            int segment = 1 + task / blocks % later, block = task % blocks;
            T* carry = _carries + ((batch * segments + segment - 1) * blocks + block) * (long)_blockElements;
            if (segment == segments - 1)
            {
                ScanBlock<V, T>.LoadStates(_plan, _shape, _grad.LastState, batch, block, block + 1, carry);
            }
            else
            {
                new Span<T>(carry, _blockElements).Clear();
            }

            CarryBack(batch, segment, block, scratch[worker], carry, sums + task * (long)V.Count);
        });

        for (int batch = 0; batch < batches; batch++)
        {
            var rows = new ScanRows(_shape, _plan, batch);
            for (int segment = segments - 2; segment >= 1; segment--)
            {
                if (ScanChunk<V, T>.AnyBegins(_in.SequenceIndex, rows, _plan.SegmentStart(segment), _plan.SegmentStart(segment + 1)))
                {
                    continue;
                }

                for (int block = 0; block < blocks; block++)
                {
                    T* sum = sums + (((long)batch * later + segment - 1) * blocks + block) * V.Count;
                    T* atStart = _carries + (((long)batch * segments + segment - 1) * blocks + block) * _blockElements;
                    T* atEnd = atStart + (long)blocks * _blockElements;
                    T* decay = _a + (long)block * _blockElements;
                    for (int n = 0; n < _blockElements; n += V.Count)
                    {
                        V whole = VectorMath.Exp2<V, T>(V.Load(sum) * V.Load(decay + n));
                        V.MultiplyAdd(whole, V.Load(atEnd + n), V.Load(atStart + n)).Store(atStart + n);
                    }
                }
            }
        }
    }

    private void CarryBack(long batch, int segment, int block, in Scratch scratch, T* carry, T* sumOfSteps)
    {
        var rows = new ScanRows(_shape, _plan, batch);
        long from = _plan.SegmentStart(segment);
        long to = segment == _plan.Segments - 1 ? _plan.LengthOf(batch) : _plan.SegmentStart(segment + 1);
        int* starts = stackalloc int[_chunk];
        V sum = V.Zero;
        for (long start = from + (to - from - 1) / _chunk * _chunk; start >= from; start -= _chunk)
        {
            int steps = (int)Math.Min(_chunk, to - start);
            int sequences = ScanChunk<V, T>.Sequences(_in.SequenceIndex, rows, start, steps, starts, out bool continues);
            Discretize(rows, start, steps, block, 1, scratch);
            for (int t = 0; t < steps; t++)
            {
                sum += V.Load(scratch.Strip.Steps + t * V.Count);
            }

            ScanSelections<V, T> selections = default;
            selections.PointTo(rows, start, steps, _shape, _plan, _in, _b, _c, block, scratch.WideB, scratch.WideC);
            bool scalarC = _shape.PerPositionC && !_plan.StatesAsLanes;
            for (int n = 0; n < _plan.Vectors; n++)
            {
                int at = n * V.Count;
                for (int sequence = sequences - 1; sequence >= 0; sequence--)
                {
                    int first = starts[sequence], end = sequence + 1 < sequences ? starts[sequence + 1] : steps;
                    _sweep.CarryOnly(
                        scratch.Strip.Steps, scratch.Strip.GradY, _a + (long)block * _blockElements + at, carry + at,
                        selections.C + (scalarC ? n : at), selections.CStep, first, end, sequence > 0 || !continues);
                }
            }
        }

        sum.Store(sumOfSteps);
    }
}
