using MambaExt.Kernels;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>A Mamba-2 scan as its block calls it: softplus, D a head, one group.</summary>
internal sealed unsafe class SsdWork<T> : KernelWork<T>
    where T : unmanaged
{
    private readonly DeviceKernels<T> _kernels;
    private readonly StateSpaceDualityShape _shape;
    private readonly StateSpaceDualityInputs<T> _inputs;
    private readonly StateSpaceDualityOutputs<T> _outputs;
    private readonly StateSpaceDualityGradients<T> _gradients;
    private readonly nint _forwardWorkspace, _backwardWorkspace;

    public SsdWork(DeviceKernels<T> kernels, GoldenArena arena, StateSpaceDualityShape shape)
        : base(arena)
    {
        (_kernels, _shape) = (kernels, shape);
        int channels = shape.Channels, heads = shape.Heads, group = shape.Groups * shape.States;
        long rows = shape.Batch * shape.Length;
        _inputs = new StateSpaceDualityInputs<T>
        {
            X = Sequence("x", rows * channels, -1, 1), XStride = channels, Dt = Sequence("dt", rows * heads, -4, 0), DtStride = heads, A = Parameter("A", heads, -8, -0.5),
            B = Sequence("B", rows * group, -1, 1), BStride = group, C = Sequence("C", rows * group, -1, 1), CStride = group,
            D = Parameter("D", heads, -1, 1), DtBias = Parameter("dt_bias", heads, -1, 1),
        };
        _outputs = new StateSpaceDualityOutputs<T>
        {
            Out = Result("out", rows * channels), OutStride = channels, Checkpoints = (T*)Scratch(kernels.CheckpointElements(shape) * ParameterBytes),
        };
        _gradients = new StateSpaceDualityGradients<T>
        {
            Out = Sequence("g_out", rows * channels, -1, 1), OutStride = channels, X = Result("grad_x", rows * channels), XStride = channels,
            Dt = Result("grad_dt", rows * heads), DtStride = heads, A = WideResult("grad_A", heads), B = Result("grad_B", rows * group), BStride = group,
            C = Result("grad_C", rows * group), CStride = group, D = WideResult("grad_D", heads), DtBias = WideResult("grad_dt_bias", heads),
        };
        _forwardWorkspace = Scratch(kernels.ForwardWorkspaceBytes(shape, checkpoints: true));
        _backwardWorkspace = Scratch(kernels.BackwardWorkspaceBytes(shape));
    }

    public override string Name => $"ssd {_shape.Batch}x{_shape.Length}x{_shape.Heads}x{_shape.HeadWidth}x{_shape.States}";

    /// <summary>Multiplications of chunks of 64, counted as two operations each: C B', the product with x, chunk states in and out.</summary>
    public override KernelFloor ForwardFloor => new(Bytes(2, 1, 2), 0, 2 * Rows * ((64 * _shape.Groups * (double)_shape.States / 2) + (_shape.Channels * (32 + (2.0 * _shape.States)))));

    public override KernelFloor BackwardFloor => new(Bytes(3, 2, 4), 0, 2.5 * ForwardFloor.Flops);

    private double Rows => (double)_shape.Batch * _shape.Length;

    public override void Forward() => _kernels.Forward(_shape, _inputs, _outputs, _forwardWorkspace);

    public override void Backward() => _kernels.Backward(_shape, _inputs, (nint)_outputs.Checkpoints, _gradients, _backwardWorkspace);

    private new double Bytes(int sequences, int steps, int selections) =>
        Rows * sizeof(T) * (((double)sequences * _shape.Channels) + (steps * _shape.Heads) + ((double)selections * _shape.Groups * _shape.States));
}
