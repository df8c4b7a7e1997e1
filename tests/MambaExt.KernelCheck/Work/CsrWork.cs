using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>Sums over the arcs of a random graph, one arc in a hundred at the first vertex: plain, weighted and gated, with their gradients.</summary>
internal sealed unsafe class CsrWork<T> : KernelWork<T>
    where T : unmanaged
{
    private const double Hub = 0.01;

    private readonly CsrRun _case;
    private readonly Action _forward, _backward;

    private CsrWork(CsrRun one, GoldenArena arena, Func<CsrWork<T>, CsrArrays<T>, (Action Forward, Action Backward)> bind)
        : base(arena)
    {
        _case = one;
        long x = (long)one.V * one.C, gates = (long)one.E * one.C;
        var arrays = new CsrArrays<T>(
            Sequence("x", x, -1, 1), Sequence("weights", one.E, -1, 1), Sequence("gates", gates, -1, 1), Sequence("g_y", x, -1, 1),
            Result("plain", x), Result("weighted", x), Result("gated", x), Result("grad_x", x), Result("grad_weights", one.E), Result("grad_gates", gates));
        (_forward, _backward) = bind(this, arrays);
    }

    public override string Name => $"csr {_case.V}x{_case.E}x{_case.C}";

    /// <summary>x gathered once an arc by each of the three sums, gates once; sums written.</summary>
    public override KernelFloor ForwardFloor => new(sizeof(T) * (double)_case.C * ((4.0 * _case.E) + (3.0 * _case.V)));

    public override KernelFloor BackwardFloor => new(sizeof(T) * (double)_case.C * ((6.0 * _case.E) + (3.0 * _case.V)));

    public static IKernelWork OnGpu(CsrRun one, GpuDevice device)
    {
        return new CsrWork<T>(one, new GpuArena(device), Bind);

        (Action, Action) Bind(CsrWork<T> work, CsrArrays<T> a)
        {
            var (offsets, columns) = Draw(one);
            CudaCsrRows rows, back;
            fixed (long* o = offsets)
            fixed (int* c = columns)
            {
                using var transpose = new CsrTranspose(new CsrRows(one.V, one.V, o, c));
                rows = new CudaCsrRows(one.V, one.V, one.E, (long*)work.Copy<long>(offsets), (int*)work.Copy<int>(columns));
                CsrRows t = transpose.Rows;
                back = new CudaCsrRows(
                    one.V, one.V, one.E, (long*)work.Copy(new ReadOnlySpan<long>(t.Offsets, one.V + 1)), (int*)work.Copy(new ReadOnlySpan<int>(t.Columns, one.E)),
                    (long*)work.Copy(new ReadOnlySpan<long>(t.Arcs, one.E)));
            }

            nint workspace = work.Scratch(CudaCsrSum.WorkspaceBytes<T>(rows, one.C)), backWorkspace = work.Scratch(CudaCsrSum.WorkspaceBytes<T>(back, one.C));
            return (
                () =>
                {
                    CudaCsrSum.Plain(device, rows, a.X, one.C, a.Plain, workspace);
                    CudaCsrSum.Weighted(device, rows, a.X, one.C, a.Weights, a.Weighted, workspace);
                    CudaCsrSum.Gated(device, rows, a.X, one.C, a.Gates, a.Gated, workspace);
                },
                () =>
                {
                    CudaCsrSum.Gated(device, back, a.GradY, one.C, a.Gates, a.GradX, backWorkspace);
                    CudaCsrSum.WeightGradient(device, rows, a.X, a.GradY, one.C, a.GradWeights);
                    CudaCsrSum.GateGradient(device, rows, a.X, a.GradY, one.C, a.GradGates);
                }
            );
        }
    }

    /// <summary>On the CPU; the work keeps the rows until it is disposed.</summary>
    public static IKernelWork OnCpu<TReal>(CsrRun one, KernelOptions options)
        where TReal : unmanaged, IFloatingPointIeee754<TReal>
    {
        return new CsrWork<TReal>(one, new HostArena(), Bind);

        (Action, Action) Bind(CsrWork<TReal> work, CsrArrays<TReal> a)
        {
            var (offsets, columns) = Draw(one);
            var rows = new CsrRows(one.V, one.V, (long*)work.Copy<long>(offsets), (int*)work.Copy<int>(columns));
            return (
                () =>
                {
                    CsrSum.Plain(rows, a.X, one.C, a.Plain, options);
                    CsrSum.Weighted(rows, a.X, one.C, a.Weights, a.Weighted, options);
                    CsrSum.Gated(rows, a.X, one.C, a.Gates, a.Gated, options);
                },
                () =>
                {
                    using var transpose = new CsrTranspose(rows);
                    CsrSum.Gated(transpose.Rows, a.GradY, one.C, a.Gates, a.GradX, options);
                    CsrSum.WeightGradient(rows, a.X, a.GradY, one.C, a.GradWeights, options);
                    CsrSum.GateGradient(rows, a.X, a.GradY, one.C, a.GradGates, options);
                }
            );
        }
    }

    public override void Forward() => _forward();

    public override void Backward() => _backward();

    private static (long[] Offsets, int[] Columns) Draw(CsrRun one)
    {
        var random = new Random(one.V + one.E);
        int[] from = [.. Enumerable.Range(0, one.E).Select(_ => random.NextDouble() < Hub ? 0 : random.Next(one.V)).Order()];
        var offsets = new long[one.V + 1];
        foreach (int v in from)
        {
            offsets[v + 1]++;
        }

        for (int v = 0; v < one.V; v++)
        {
            offsets[v + 1] += offsets[v];
        }

        return (offsets, [.. from.Select(_ => random.NextDouble() < Hub ? 0 : random.Next(one.V))]);
    }
}

/// <summary>Addresses of sums over arcs.</summary>
internal unsafe readonly struct CsrArrays<T>(T* x, T* weights, T* gates, T* gradY, T* plain, T* weighted, T* gated, T* gradX, T* gradWeights, T* gradGates)
    where T : unmanaged
{
    public readonly T* X = x, Weights = weights, Gates = gates, GradY = gradY, Plain = plain, Weighted = weighted, Gated = gated, GradX = gradX, GradWeights = gradWeights, GradGates = gradGates;
}
