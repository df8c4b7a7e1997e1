using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>Gradients that are sums over heads or over the batch. Each sum has one order, whoever adds: over the splits of a group in turn,
/// and over the batch in turn.</summary>
internal sealed unsafe class SsdSums<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly StateSpaceDualityShape _shape;
    private readonly StateSpaceDualityGradients<T> _grad;
    private readonly double* _a, _bias, _skip;
    private readonly T* _b, _c;
    private readonly int _splits;

    /// <param name="shape">Sizes</param>
    /// <param name="gradients">Where the sums go</param>
    /// <param name="shared">Several tasks walk the splits of a group: each leaves its rows apart</param>
    /// <param name="workspace">Memory</param>
    public SsdSums(in StateSpaceDualityShape shape, in StateSpaceDualityGradients<T> gradients, bool shared, Workspace workspace)
    {
        (_shape, _grad, _splits) = (shape, gradients, SsdPlan.Splits(shape));
        long heads = shape.Batch * shape.Heads, rows = shape.Batch * shape.Length * shape.Groups * shape.States;
        _a = workspace.Allocate<double>(heads, zeroed: true);
        _bias = workspace.Allocate<double>(heads, zeroed: true);
        _skip = workspace.Allocate<double>(heads * shape.HeadWidth, zeroed: true);
        if (shared)
        {
            _b = workspace.Allocate<T>(rows * _splits);
            _c = workspace.Allocate<T>(rows * _splits);
        }
    }

    /// <summary>Takes a chunk's rows of the gradients of B and C of one split.</summary>
    public void Add(long batch, long start, int length, int group, int split, bool first, T* gradB, T* gradC, int deep)
    {
        int states = _shape.States;
        long width = (long)_shape.Groups * states, row = batch * _shape.Length + start;
        for (int t = 0; t < length; t++)
        {
            Put(gradB + t * deep, _b, _grad.B, _grad.BStride);
            Put(gradC + t * deep, _c, _grad.C, _grad.CStride);

            void Put(T* source, T* apart, T* target, long stride)
            {
                if (target == null)
                {
                    return;
                }

                bool own = apart != null;
                T* to = own
                    ? apart + (split * _shape.Batch * _shape.Length + row + t) * width + (long)group * states
                    : target + (row + t) * stride + (long)group * states;
                if (own || first)
                {
                    new Span<T>(source, states).CopyTo(new Span<T>(to, states));
                }
                else
                {
                    Plus(to, source, states);
                }
            }
        }
    }

    /// <summary>Adds a head's sums over a chunk.</summary>
    public void AddHead(long batch, int head, double a, double bias, T* skip)
    {
        long at = batch * _shape.Heads + head;
        _a[at] += a;
        _bias[at] += bias;
        for (int p = 0; p < _shape.HeadWidth; p++)
        {
            _skip[at * _shape.HeadWidth + p] += double.CreateTruncating(skip[p]);
        }
    }

    /// <summary>Writes what was summed.</summary>
    public void Finish(int threads)
    {
        if (_b != null)
        {
            const int Rows = 64;
            long rows = _shape.Batch * _shape.Length;
            KernelParallel.For(checked((int)((rows + Rows - 1) / Rows)), threads, task =>
            {
                for (long row = (long)task * Rows; row < Math.Min(rows, (task + 1L) * Rows); row++)
                {
                    Join(_b, _grad.B, _grad.BStride, row, rows);
                    Join(_c, _grad.C, _grad.CStride, row, rows);
                }
            });
        }

        int width = _shape.HeadWidth;
        for (int head = 0; head < _shape.Heads; head++)
        {
            double a = 0, bias = 0, all = 0;
            for (long batch = 0; batch < _shape.Batch; batch++)
            {
                a += _a[batch * _shape.Heads + head];
                bias += _bias[batch * _shape.Heads + head];
            }

            for (int p = 0; p < width; p++)
            {
                double skip = 0;
                for (long batch = 0; batch < _shape.Batch; batch++)
                {
                    skip += _skip[(batch * _shape.Heads + head) * width + p];
                }

                all += skip;
                if (_grad.D != null && _shape.SkipPerChannel)
                {
                    _grad.D[(long)head * width + p] = T.CreateTruncating(skip);
                }
            }

            Set(_grad.A, a);
            Set(_grad.DtBias, bias);
            Set(_shape.SkipPerChannel ? null : _grad.D, all);

            void Set(T* target, double value)
            {
                if (target != null)
                {
                    target[head] = T.CreateTruncating(value);
                }
            }
        }
    }

    /// <summary>One row from the splits' own.</summary>
    private void Join(T* apart, T* target, long stride, long row, long rows)
    {
        int width = _shape.Groups * _shape.States;
        for (int split = 0; split < _splits && target != null; split++)
        {
            T* from = apart + (split * rows + row) * width;
            if (split == 0)
            {
                new Span<T>(from, width).CopyTo(new Span<T>(target + row * stride, width));
            }
            else
            {
                Plus(target + row * stride, from, width);
            }
        }
    }

    private static void Plus(T* target, T* source, int count)
    {
        int at = 0;
        for (; at + V.Count <= count; at += V.Count)
        {
            (V.Load(target + at) + V.Load(source + at)).Store(target + at);
        }

        for (; at < count; at++)
        {
            target[at] += source[at];
        }
    }
}
