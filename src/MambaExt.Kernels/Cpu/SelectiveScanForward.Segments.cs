using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <content>How a long sequence of few channels is cut and joined.</content>
internal sealed unsafe partial class SelectiveScanForward<V, T>
{
    /// <summary>
    /// L in pieces: every piece is first scanned from a zero state for its last state alone, the states are then joined in order
    /// (h_end = local + 2^(A' sum dt) h_start), and every piece is scanned again from its true start.
    /// </summary>
    private void RunSegments(int threads)
    {
        int blocks = _plan.Blocks, segments = _plan.Segments;
        int batches = checked((int)_shape.Batch);
        long perEntry = (long)segments * blocks;
        T* states = _workspace.Allocate<T>(batches * perEntry * _blockElements);
        T* sums = _workspace.Allocate<T>(batches * perEntry * V.Count);
        var scratch = new Scratch[threads];

        KernelParallel.For(checked((int)(batches * perEntry)), threads, (task, worker) =>
        {
            ref Scratch mine = ref scratch[worker];
            mine.Prepare(this, 1);
            long batch = task / perEntry;
            int segment = (int)(task % perEntry / blocks), block = (int)(task % blocks);
            if (segment == 0)
            {
                ScanBlock<V, T>.LoadStates(_plan, _shape, _in.InitialState, batch, block, block + 1, mine.State);
            }
            else
            {
                new Span<T>(mine.State, _blockElements).Clear();
            }

            T* sum = sums + task * (long)V.Count;
            if (segment < segments - 1)
            {
                Walk(batch, block, block + 1, _plan.SegmentStart(segment), _plan.SegmentStart(segment + 1), mine, whole: false, sum);
            }

            new Span<T>(mine.State, _blockElements).CopyTo(new Span<T>(states + task * (long)_blockElements, _blockElements));
        });

        for (long entry = 0; entry < batches; entry++)
        {
            var rows = new ScanRows(_shape, _plan, entry);
            for (int segment = 1; segment < segments - 1; segment++)
            {
                if (ScanChunk<V, T>.AnyBegins(_in.SequenceIndex, rows, _plan.SegmentStart(segment), _plan.SegmentStart(segment + 1)))
                {
                    continue;
                }

                for (int block = 0; block < blocks; block++)
                {
                    long at = entry * perEntry + (long)segment * blocks + block;
                    V sum = V.Load(sums + at * V.Count);
                    T* local = states + at * _blockElements;
                    T* before = states + (at - blocks) * _blockElements;
                    T* decay = _a + (long)block * _blockElements;
                    for (int n = 0; n < _blockElements; n += V.Count)
                    {
                        V.MultiplyAdd(VectorMath.Exp2<V, T>(sum * V.Load(decay + n)), V.Load(before + n), V.Load(local + n)).Store(local + n);
                    }
                }
            }
        }

        KernelParallel.For(checked((int)(batches * perEntry)), threads, (task, worker) =>
        {
            ref Scratch mine = ref scratch[worker];
            long batch = task / perEntry;
            int segment = (int)(task % perEntry / blocks), block = (int)(task % blocks);
            mine.Prepare(this, 1);
            if (segment == 0)
            {
                ScanBlock<V, T>.LoadStates(_plan, _shape, _in.InitialState, batch, block, block + 1, mine.State);
            }
            else
            {
                new Span<T>(states + (task - blocks) * (long)_blockElements, _blockElements).CopyTo(new Span<T>(mine.State, _blockElements));
            }

            long end = segment == segments - 1 ? _shape.Length : _plan.SegmentStart(segment + 1);
            Walk(batch, block, block + 1, _plan.SegmentStart(segment), end, mine, whole: true, null);
            if (segment == segments - 1)
            {
                ScanBlock<V, T>.StoreStates(_plan, _shape, mine.State, batch, block, block + 1, _out.LastState);
            }
        });
    }
}
