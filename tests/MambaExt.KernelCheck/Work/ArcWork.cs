using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>What graph attention and GatedGCN do on the arcs of a random graph: spread, softmax, weights of four heads, sums of rows, the gated mean.</summary>
internal sealed unsafe class ArcWork<T> : KernelWork<T>
    where T : unmanaged
{
    private const int Heads = 4;
    private readonly ArcRun _case;
    private readonly Action _forward, _backward;

    private ArcWork(ArcRun one, GoldenArena arena, Func<ArcWork<T>, RandomRows, (Action Forward, Action Backward)> bind)
        : base(arena)
    {
        _case = one;
        var rows = new RandomRows(one.V, one.E, one.V);
        long vertices = (long)one.V * one.C, arcs = (long)one.E * one.C;
        Target = Sequence("target", vertices, -1, 1);
        Source = Sequence("source", vertices, -1, 1);
        X = Sequence("x", vertices, -1, 1);
        Values = Sequence("values", arcs, -2, 2);
        GradY = Sequence("g_y", vertices, -1, 1);
        // dy over the divisor, as a caller divides them; here any numbers do.
        Share = Parameter("share", vertices, -1, 1);
        Spread = Result("spread", arcs);
        Sum = Result("sum", vertices);
        P = Result("softmax", arcs);
        Attended = Result("attended", vertices);
        Mean = Result("mean", vertices);
        Divisor = WideResult("divisor", vertices);
        GradValues = Result("grad_values", arcs);
        GradWeights = Result("grad_weights", (long)one.E * Heads);
        GradTarget = Result("grad_target", vertices);
        GradSource = Result("grad_source", vertices);
        GradX = Result("grad_x", vertices);
        (_forward, _backward) = bind(this, rows);
    }

    public override string Name => $"arcs {_case.V}x{_case.E}x{_case.C}";

    /// <summary>Two gathers and a store of the spread, a read of the sum, two and a store of softmax, one gather of the attention, two of the mean.</summary>
    public override KernelFloor ForwardFloor => new(sizeof(T) * (double)_case.C * ((8.0 * _case.E) + (5.0 * _case.V)), 2.0 * _case.E * _case.C);

    /// <summary>Four reads and a store of softmax, two of the weights, two gathers and three of the mean.</summary>
    public override KernelFloor BackwardFloor => new(sizeof(T) * (double)_case.C * ((12.0 * _case.E) + (6.0 * _case.V)), 2.0 * _case.E * _case.C);

    private T* Target { get; }

    private T* Source { get; }

    private T* X { get; }

    private T* Values { get; }

    private T* GradY { get; }

    private T* Share { get; }

    private T* Spread { get; }

    private T* Sum { get; }

    private T* P { get; }

    private T* Attended { get; }

    private T* Mean { get; }

    private T* Divisor { get; }

    private T* GradValues { get; }

    private T* GradWeights { get; }

    private T* GradTarget { get; }

    private T* GradSource { get; }

    private T* GradX { get; }

    public static IKernelWork OnGpu(ArcRun one, GpuDevice device)
    {
        return new ArcWork<T>(one, new GpuArena(device), Bind);

        (Action, Action) Bind(ArcWork<T> w, RandomRows random)
        {
            int c = one.C;
            var (rows, back) = random.OnGpu(w.Copy<long>, w.Copy<int>);
            nint sums = w.Scratch(CudaCsrSegments.SumWorkspaceBytes<T>(rows, c)), softmax = w.Scratch(CudaCsrSegments.SoftmaxWorkspaceBytes<T>(rows, c));
            nint weighted = w.Scratch(CudaCsrSum.WorkspaceBytes<T>(rows, c)), mean = w.Scratch(CudaCsrGatedMean.WorkspaceBytes<T>(rows, c));
            return (
                () =>
                {
                    CudaCsrSegments.Spread(device, rows, w.Target, w.Source, c, w.Spread);
                    CudaCsrSegments.Sum(device, rows, w.Values, c, w.Sum, sums);
                    CudaCsrSegments.Softmax(device, rows, w.Values, c, w.P, softmax);
                    CudaCsrSum.Weighted(device, rows, w.X, c, w.Values, w.Attended, weighted, heads: Heads);
                    CudaCsrGatedMean.Forward(device, rows, w.Target, w.Source, w.X, c, w.Mean, w.Divisor, mean);
                },
                () =>
                {
                    CudaCsrSegments.SoftmaxGradient(device, rows, w.P, w.Spread, c, w.GradValues, softmax);
                    CudaCsrSum.WeightGradient(device, rows, w.X, w.GradY, c, w.GradWeights, heads: Heads);
                    CudaCsrGatedMean.Backward(device, rows, back, w.Target, w.Source, w.X, w.Mean, w.Share, c, w.GradTarget, w.GradSource, w.GradX, mean);
                }
            );
        }
    }

    public static IKernelWork OnCpu<TReal>(ArcRun one, KernelOptions options)
        where TReal : unmanaged, IFloatingPointIeee754<TReal>
    {
        return new ArcWork<TReal>(one, new HostArena(), Bind);

        (Action, Action) Bind(ArcWork<TReal> w, RandomRows random)
        {
            int c = one.C;
            CsrRows rows = random.OnCpu(w.Copy<long>, w.Copy<int>);
            return (
                () =>
                {
                    CsrSegments.Spread(rows, w.Target, w.Source, c, w.Spread, options);
                    CsrSegments.Sum(rows, w.Values, c, w.Sum, options);
                    CsrSegments.Softmax(rows, w.Values, c, w.P, options);
                    CsrSum.Weighted(rows, w.X, c, w.Values, w.Attended, options, Heads);
                    CsrGatedMean.Forward(rows, w.Target, w.Source, w.X, c, w.Mean, w.Divisor, options);
                },
                () =>
                {
                    using var transpose = new CsrTranspose(rows);
                    CsrSegments.SoftmaxGradient(rows, w.P, w.Spread, c, w.GradValues, options);
                    CsrSum.WeightGradient(rows, w.X, w.GradY, c, w.GradWeights, options, Heads);
                    CsrGatedMean.Backward(rows, transpose.Rows, w.Target, w.Source, w.X, w.Mean, w.Share, c, w.GradTarget, w.GradSource, w.GradX, options);
                }
            );
        }
    }

    public override void Forward() => _forward();

    public override void Backward() => _backward();
}
