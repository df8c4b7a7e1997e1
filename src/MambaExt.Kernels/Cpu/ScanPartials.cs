using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// Sums of the backward scan that several tasks add to. Each task owns a part, [tasks over batch and L, ...] for parameters and
/// [splits, B, L, G, N] for per-position B and C; <see cref="Finish"/> adds the parts in order.
/// </summary>
internal sealed unsafe class ScanPartials<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly SelectiveScanShape _shape;
    private readonly ScanPlan _plan;
    private readonly int _parts;
    private readonly int _blockElements;
    private readonly T* _a;
    private readonly T* _b;
    private readonly T* _c;
    private readonly T* _d;
    private readonly T* _bias;
    private readonly T* _gradB;
    private readonly T* _gradC;
    private readonly T* _partsB;
    private readonly T* _partsC;
    private readonly long _strideB;
    private readonly long _strideC;

    public ScanPartials(in SelectiveScanShape shape, in ScanPlan plan, in SelectiveScanGradients<T> gradients, Workspace workspace)
    {
        _shape = shape;
        _plan = plan;
        _parts = plan.BatchRuns * plan.Segments;
        _blockElements = plan.BlockElements;
        long parameters = (long)_parts * plan.Blocks * _blockElements, channels = (long)_parts * plan.Blocks * V.Count;
        _a = workspace.Allocate<T>(parameters, zeroed: true);
        _b = shape.PerPositionB ? null : workspace.Allocate<T>(parameters, zeroed: true);
        _c = shape.PerPositionC || shape.ReturnStates ? null : workspace.Allocate<T>(parameters, zeroed: true);
        _d = workspace.Allocate<T>(channels, zeroed: true);
        _bias = workspace.Allocate<T>(channels, zeroed: true);

        // The first split writes straight into the gradients; each further one needs a part of its own.
        long part = (plan.SplitsPerGroup - 1) * shape.Batch * shape.Length * shape.Groups * shape.States;
        _gradB = shape.PerPositionB ? gradients.B : null;
        _gradC = shape.PerPositionC && !shape.ReturnStates ? gradients.C : null;
        _strideB = gradients.BStride;
        _strideC = gradients.CStride;
        _partsB = _gradB == null || part == 0 ? null : workspace.Allocate<T>(part);
        _partsC = _gradC == null || part == 0 ? null : workspace.Allocate<T>(part);
    }

    public T* A(int run, int segment, int block) => _a + Block(run, segment, block) * _blockElements;

    public T* B(int run, int segment, int block) => _b + Block(run, segment, block) * _blockElements;

    public T* C(int run, int segment, int block) => _c + Block(run, segment, block) * _blockElements;

    public T* D(int run, int segment, int block) => _d + Block(run, segment, block) * V.Count;

    public T* DeltaBias(int run, int segment, int block) => _bias + Block(run, segment, block) * V.Count;

    /// <summary>Zeroes the [N, steps, lanes] sums of a chunk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void ClearChunk(T* gradB, T* gradC, int steps)
    {
        for (int n = 0; n < _plan.Vectors; n++)
        {
            long at = (long)n * _plan.CheckpointSteps * V.Count;
            if (gradB != null)
            {
                new Span<T>(gradB + at, steps * V.Count).Clear();
            }

            if (gradC != null)
            {
                new Span<T>(gradC + at, steps * V.Count).Clear();
            }
        }
    }

    /// <summary>Adds the lanes of a chunk's sums and writes them to the rows of the gradient, or of this split's part of it.</summary>
    public void WriteChunk(in ScanRows rows, long start, int steps, int split, int group, T* gradB, T* gradC)
    {
        long row = (long)_shape.Groups * _shape.States, own = (long)group * _shape.States;
        long part = (split - 1) * _shape.Batch * _shape.Length * row;
        if (_gradB != null)
        {
            Write(rows, start, steps, (split == 0 ? _gradB : _partsB + part) + own, split == 0 ? _strideB : row, gradB);
        }

        if (_gradC != null && gradC != null)
        {
            Write(rows, start, steps, (split == 0 ? _gradC : _partsC + part) + own, split == 0 ? _strideC : row, gradC);
        }
    }

    /// <summary>Adds the parts, in order, into the gradients.</summary>
    public void Finish(SelectiveScanGradients<T> gradients, int threads)
    {
        KernelParallel.For(_plan.Blocks, threads, block =>
        {
            for (int part = 1; part < _parts; part++)
            {
                Add(_a, part, block, _blockElements);
                Add(_d, part, block, V.Count);
                Add(_bias, part, block, V.Count);
                Add(_b, part, block, _blockElements);
                Add(_c, part, block, _blockElements);
            }

            int channel = _plan.FirstChannel(block), channels = _plan.ChannelsIn(block);
            long from = (long)block * _blockElements;
            StoreParameter(gradients.A, _a);
            StoreParameter(_shape.PerPositionB ? null : gradients.B, _b);
            StoreParameter(_shape.PerPositionC ? null : gradients.C, _c);
            for (int lane = 0; lane < channels; lane++)
            {
                if (gradients.D != null)
                {
                    gradients.D[channel + lane] = Channel(_d, lane);
                }

                if (gradients.DeltaBias != null)
                {
                    gradients.DeltaBias[channel + lane] = Channel(_bias, lane);
                }
            }

            // Where states are the lanes of the recurrence, steps are those of what is done once an element.
            T Channel(T* sums, int lane) => _plan.StatesAsLanes ? V.Sum(V.Load(sums + (long)block * V.Count)) : sums[(long)block * V.Count + lane];

            void StoreParameter(T* target, T* source)
            {
                if (target != null && source != null)
                {
                    ScanBlock<V, T>.Store(_plan, _shape.States, source + from, block, target);
                }
            }
        });

        AddSplits(_partsB, _gradB, _strideB, threads);
        AddSplits(_partsC, _gradC, _strideC, threads);
    }

    private long Block(int run, int segment, int block) => ((long)run * _plan.Segments + segment) * _plan.Blocks + block;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(in ScanRows rows, long start, int steps, T* target, long stride, T* sums)
    {
        for (int t = 0; t < steps; t++)
        {
            T* row = target + rows.Row(start + t) * stride;
            for (int n = 0; n < _plan.Vectors; n++)
            {
                V sum = V.Load(sums + ((long)n * _plan.CheckpointSteps + t) * V.Count);
                int state = n * V.Count;
                if (!_plan.StatesAsLanes)
                {
                    row[n] = V.Sum(sum);
                }
                else if (state + V.Count <= _shape.States)
                {
                    sum.Store(row + state);
                }
                else
                {
                    new Span<T>(&sum, _shape.States - state).CopyTo(new Span<T>(row + state, _shape.States - state));
                }
            }
        }
    }

    private void Add(T* sums, int part, int block, int elements)
    {
        if (sums == null)
        {
            return;
        }

        T* target = sums + (long)block * elements;
        T* source = sums + ((long)part * _plan.Blocks + block) * elements;
        for (int i = 0; i < elements; i += V.Count)
        {
            (V.Load(target + i) + V.Load(source + i)).Store(target + i);
        }
    }

    private void AddSplits(T* parts, T* target, long stride, int threads)
    {
        if (parts == null)
        {
            return;
        }

        long rows = _shape.Batch * _shape.Length;
        int row = _shape.Groups * _shape.States;
        const int RowsPerTask = 256;
        KernelParallel.For(checked((int)((rows + RowsPerTask - 1) / RowsPerTask)), threads, task =>
        {
            for (long r = (long)task * RowsPerTask; r < Math.Min(rows, (task + 1L) * RowsPerTask); r++)
            {
                for (int i = 0; i < row; i++)
                {
                    T sum = target[r * stride + i];
                    for (int split = 0; split < _plan.SplitsPerGroup - 1; split++)
                    {
                        sum += parts[(split * rows + r) * row + i];
                    }

                    target[r * stride + i] = sum;
                }
            }
        });
    }
}
