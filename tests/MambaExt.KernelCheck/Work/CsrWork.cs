using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>Sums over the arcs of a random graph, one arc in a hundred at the first vertex: plain, weighted and gated, with their gradients.</summary>
internal sealed unsafe class CsrWork<T> : KernelWork<T>
    where T : unmanaged
{
    private readonly CsrRun _case;
    private readonly Action _forward, _backward;

    private CsrWork(CsrRun one, GoldenArena arena, Func<CsrWork<T>, CsrArrays<T>, RandomRows, (Action Forward, Action Backward)> bind)
        : base(arena)
    {
        _case = one;
        var rows = new RandomRows(one.V, one.E, one.Rows ?? one.V);
        long x = (long)one.V * one.C, y = (long)rows.Count * one.C, gates = (long)rows.Arcs * one.C;
        var arrays = new CsrArrays<T>(
            Sequence("x", x, -1, 1), Sequence("weights", rows.Arcs, -1, 1), Sequence("gates", gates, -1, 1), Sequence("g_y", y, -1, 1),
            Result("plain", y), Result("weighted", y), Result("gated", y), Result("grad_x", x), Result("grad_weights", rows.Arcs), Result("grad_gates", gates));
        (_forward, _backward) = bind(this, arrays, rows);
    }

    public override string Name => $"csr {_case.V}x{_case.E}x{_case.C}{(_case.Rows is { } rows ? $" {rows} rows" : "")}";

    public override bool OfEntries(KernelResult result) => result.Name != "grad_x";

    /// <summary>x gathered once an arc by each of the three sums, gates once; sums written.</summary>
    public override KernelFloor ForwardFloor => new(sizeof(T) * (double)_case.C * ((4.0 * _case.E) + (3.0 * _case.V)));

    public override KernelFloor BackwardFloor => new(sizeof(T) * (double)_case.C * ((6.0 * _case.E) + (3.0 * _case.V)));

    public static IKernelWork OnGpu(CsrRun one, GpuDevice device)
    {
        return new CsrWork<T>(one, new GpuArena(device), Bind);

        (Action, Action) Bind(CsrWork<T> work, CsrArrays<T> a, RandomRows random)
        {
            var (rows, back) = random.OnGpu(work.Copy<long>, work.Copy<int>);
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

        (Action, Action) Bind(CsrWork<TReal> work, CsrArrays<TReal> a, RandomRows random)
        {
            CsrRows rows = random.OnCpu(work.Copy<long>, work.Copy<int>);
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
}

/// <summary>Addresses of sums over arcs.</summary>
internal unsafe readonly struct CsrArrays<T>(T* x, T* weights, T* gates, T* gradY, T* plain, T* weighted, T* gated, T* gradX, T* gradWeights, T* gradGates)
    where T : unmanaged
{
    public readonly T* X = x, Weights = weights, Gates = gates, GradY = gradY, Plain = plain, Weighted = weighted, Gated = gated, GradX = gradX, GradWeights = gradWeights, GradGates = gradGates;
}
