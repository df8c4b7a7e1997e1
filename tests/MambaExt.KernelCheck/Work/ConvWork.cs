using MambaExt.Kernels;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>A causal convolution with bias and SiLU.</summary>
internal sealed unsafe class ConvWork<T> : KernelWork<T>
    where T : unmanaged
{
    private readonly DeviceKernels<T> _kernels;
    private readonly CausalConv1dShape _shape;
    private readonly CausalConv1dInputs<T> _inputs;
    private readonly CausalConv1dOutputs<T> _outputs;
    private readonly CausalConv1dOutputGradients<T> _arriving;
    private readonly CausalConv1dInputGradients<T> _written;
    private readonly nint _workspace;

    public ConvWork(DeviceKernels<T> kernels, GoldenArena arena, CausalConv1dShape shape)
        : base(arena)
    {
        (_kernels, _shape) = (kernels, shape);
        long sequence = shape.Batch * shape.Length * shape.Channels, taps = shape.Channels * shape.Width;
        _inputs = new CausalConv1dInputs<T> { X = Sequence("x", sequence, -1, 1), Weight = Parameter("weight", taps, -1, 1), Bias = Parameter("bias", shape.Channels, -1, 1) };
        _outputs = new CausalConv1dOutputs<T> { Out = Result("out", sequence) };
        _arriving = new CausalConv1dOutputGradients<T> { DOut = Sequence("g_out", sequence, -1, 1) };
        _written = new CausalConv1dInputGradients<T> { DX = Result("grad_x", sequence), DWeight = WideResult("grad_weight", taps), DBias = WideResult("grad_bias", shape.Channels) };
        _workspace = Scratch(kernels.BackwardWorkspaceBytes(shape));
    }

    public override string Name => $"conv {_shape.Batch}x{_shape.Length}x{_shape.Channels} W{_shape.Width}";

    public override KernelFloor ForwardFloor => new(Elements * 2 * sizeof(T), Elements);

    public override KernelFloor BackwardFloor => new(Elements * 3 * sizeof(T), Elements);

    private double Elements => (double)_shape.Batch * _shape.Length * _shape.Channels;

    public override void Forward() => _kernels.Forward(_shape, _inputs, _outputs);

    public override void Backward() => _kernels.Backward(_shape, _inputs, _arriving, _written, _workspace);
}
