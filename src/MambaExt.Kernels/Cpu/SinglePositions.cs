using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The scan where every sequence is one position, no state goes in or comes out, and B and C are per position. Nothing decays, so
/// <code>
/// y = s dt u + D u        with s = B.C, one number for each position and group: a channel costs the same at any N
/// d(dt u) = s dy,  dB = w C,  dC = w B,  dA = 0        with w = sum over the channels of the group of dy dt u
/// </code>
/// A task is a run of rows; only dD and dbias are summed over tasks, in order.
/// </summary>
internal sealed unsafe class SinglePositions<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostTasks = 16;
    private const int FewestRows = 16;

    private readonly SelectiveScanShape _shape;
    private readonly SelectiveScanInputs<T> _in;
    private readonly ScanPlan _plan;
    private readonly Workspace _workspace;
    private readonly int _tasks;
    private readonly T* _bias;
    private readonly T* _skip;

    private SinglePositions(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, Workspace workspace)
    {
        _shape = shape;
        _in = inputs;
        _workspace = workspace;
        _plan = new ScanPlan(shape, V.Count);
        _tasks = (int)Math.Clamp(shape.Batch / FewestRows, 1, MostTasks);
        _bias = ScanParameters<V, T>.Channels(_plan, inputs.DeltaBias, workspace);
        _skip = ScanParameters<V, T>.Channels(_plan, inputs.D, workspace);
    }

    public static void Forward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, int threads, Workspace workspace)
    {
        var scan = new SinglePositions<V, T>(shape, inputs, workspace);
        SelectiveScanOutputs<T> results = outputs;
        KernelParallel.For(scan._tasks, threads, task =>
        {
            T* wide = stackalloc T[4 * V.Count];
            for (long row = scan.FirstRow(task); row < scan.FirstRow(task + 1); row++)
            {
                for (int group = 0; group < scan._shape.Groups; group++)
                {
                    scan.ForwardGroup(row, group, results, wide);
                }
            }
        });
    }

    public static void Backward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanGradients<T> gradients, int threads, Workspace workspace)
    {
        var scan = new SinglePositions<V, T>(shape, inputs, workspace);
        SelectiveScanGradients<T> grad = gradients;
        long channels = (long)scan._plan.Blocks * V.Count;
        T* sumD = workspace.Allocate<T>(scan._tasks * channels, zeroed: true), sumBias = workspace.Allocate<T>(scan._tasks * channels, zeroed: true);
        KernelParallel.For(scan._tasks, threads, task =>
        {
            T* wide = stackalloc T[8 * V.Count];
            T* unread = scan._workspace.Allocate<T>(scan._plan.BlocksPerGroup * (long)V.Count);
            for (long row = scan.FirstRow(task); row < scan.FirstRow(task + 1); row++)
            {
                for (int group = 0; group < scan._shape.Groups; group++)
                {
                    scan.BackwardGroup(row, group, grad, sumD + task * channels, sumBias + task * channels, wide, unread);
                }
            }
        });
        scan.StoreSum(sumD, grad.D);
        scan.StoreSum(sumBias, grad.DeltaBias);
        if (grad.A != null)
        {
            new Span<T>(grad.A, checked(shape.Channels * shape.States)).Clear();
        }
    }

    private long FirstRow(int task) => (long)((Int128)_shape.Batch * task / _tasks);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ForwardGroup(long row, int group, in SelectiveScanOutputs<T> outputs, T* wide)
    {
        int block = group * _plan.BlocksPerGroup, channel = group * _plan.GroupChannels, full = _plan.GroupChannels / V.Count, rest = _plan.GroupChannels % V.Count;
        T* u = _in.U + row * _in.UStride + channel, delta = _in.Delta + row * _in.DeltaStride + channel;
        T* z = _in.Z == null ? null : _in.Z + row * _in.ZStride + channel, result = outputs.Out + row * outputs.OutStride + channel;
        T* bias = _bias + (long)block * V.Count, skip = _skip + (long)block * V.Count;
        T product = Product(row, group);
        Run(u, delta, z, result, bias, skip, full);
        if (rest > 0)
        {
            int done = full * V.Count;
            T* target = wide + 3 * V.Count;
            Run(Widen(u + done, 0), Widen(delta + done, 1), z == null ? null : Widen(z + done, 2), target, bias + done, skip + done, 1);
            new Span<T>(target, rest).CopyTo(new Span<T>(result + done, rest));
        }

        T* Widen(T* source, int slot)
        {
            long step = 0;
            return ScanBlock<V, T>.Widen(source, ref step, rest, 1, wide + slot * V.Count);
        }

        void Run(T* us, T* deltas, T* zs, T* target, T* biases, T* skips, int vectors)
        {
            if (_shape.Softplus)
            {
                SinglePositionRows<V, T>.Forward<On>(us, deltas, zs, target, biases, skips, product, vectors);
            }
            else
            {
                SinglePositionRows<V, T>.Forward<Off>(us, deltas, zs, target, biases, skips, product, vectors);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void BackwardGroup(long row, int group, in SelectiveScanGradients<T> grad, T* sumD, T* sumBias, T* wide, T* unread)
    {
        int block = group * _plan.BlocksPerGroup, channel = group * _plan.GroupChannels, full = _plan.GroupChannels / V.Count, rest = _plan.GroupChannels % V.Count;
        long first = (long)block * V.Count;
        int done = full * V.Count;
        var at = new SinglePositionRow<T>
        {
            U = _in.U + row * _in.UStride + channel,
            Delta = _in.Delta + row * _in.DeltaStride + channel,
            Z = _in.Z == null ? null : _in.Z + row * _in.ZStride + channel,
            GradOut = grad.Out + row * grad.OutStride + channel,
            Bias = _bias + first,
            Skip = _skip + first,
            GradU = grad.U == null ? unread : grad.U + row * grad.UStride + channel,
            GradDelta = grad.Delta == null ? unread : grad.Delta + row * grad.DeltaStride + channel,
            GradZ = _in.Z == null || grad.Z == null ? unread : grad.Z + row * grad.ZStride + channel,
            SumD = sumD + first,
            SumBias = sumBias + first,
        };
        T product = Product(row, group);
        V weight = Run(at, full);
        if (rest > 0)
        {
            SinglePositionRow<T> tail = at;
            tail.U = Widen(at.U + done, 0);
            tail.Delta = Widen(at.Delta + done, 1);
            tail.Z = at.Z == null ? null : Widen(at.Z + done, 2);
            tail.GradOut = Widen(at.GradOut + done, 3);
            tail.Bias += done;
            tail.Skip += done;
            tail.SumD += done;
            tail.SumBias += done;
            tail.GradU = wide + 4 * V.Count;
            tail.GradDelta = wide + 5 * V.Count;
            tail.GradZ = wide + 6 * V.Count;
            weight += Run(tail, 1);
            new Span<T>(tail.GradU, rest).CopyTo(new Span<T>(at.GradU + done, rest));
            new Span<T>(tail.GradDelta, rest).CopyTo(new Span<T>(at.GradDelta + done, rest));
            new Span<T>(tail.GradZ, rest).CopyTo(new Span<T>(at.GradZ + done, rest));
        }

        T sum = V.Sum(weight);
        Scale(_in.C + row * _in.CStride, grad.B == null ? null : grad.B + row * grad.BStride);
        Scale(_in.B + row * _in.BStride, grad.C == null ? null : grad.C + row * grad.CStride);

        T* Widen(T* source, int slot)
        {
            long step = 0;
            return ScanBlock<V, T>.Widen(source, ref step, rest, 1, wide + slot * V.Count);
        }

        V Run(in SinglePositionRow<T> r, int vectors) => _shape.Softplus
            ? SinglePositionRows<V, T>.Backward<On>(r, product, vectors)
            : SinglePositionRows<V, T>.Backward<Off>(r, product, vectors);

        void Scale(T* source, T* target)
        {
            for (int n = group * _shape.States; n < (group + 1) * _shape.States && target != null; n++)
            {
                target[n] = source[n] * sum;
            }
        }
    }

    /// <summary>B.C of one position and group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private T Product(long row, int group)
    {
        T* b = _in.B + row * _in.BStride + (long)group * _shape.States, c = _in.C + row * _in.CStride + (long)group * _shape.States;
        V sums = V.Zero;
        int n = 0;
        for (; n + V.Count <= _shape.States; n += V.Count)
        {
            sums = V.MultiplyAdd(V.Load(b + n), V.Load(c + n), sums);
        }

        T product = V.Sum(sums);
        for (; n < _shape.States; n++)
        {
            product += b[n] * c[n];
        }

        return product;
    }

    private void StoreSum(T* parts, T* target)
    {
        long channels = (long)_plan.Blocks * V.Count;
        for (int block = 0; block < _plan.Blocks && target != null; block++)
        {
            V sum = V.Zero;
            for (int task = 0; task < _tasks; task++)
            {
                sum += V.Load(parts + task * channels + (long)block * V.Count);
            }

            new Span<T>(&sum, _plan.ChannelsIn(block)).CopyTo(new Span<T>(target + _plan.FirstChannel(block), _plan.ChannelsIn(block)));
        }
    }
}
