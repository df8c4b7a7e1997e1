using MambaExt.Kernels;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>A selective scan as a Mamba block calls it: softplus, D, delta bias, per-position B and C, gate if wanted.</summary>
internal sealed unsafe class ScanWork<T> : KernelWork<T>
    where T : unmanaged
{
    private readonly DeviceKernels<T> _kernels;
    private readonly SelectiveScanShape _shape;
    private readonly SelectiveScanInputs<T> _inputs;
    private readonly SelectiveScanOutputs<T> _outputs;
    private readonly SelectiveScanGradients<T> _gradients;
    private readonly nint _forwardWorkspace, _backwardWorkspace;
    private readonly bool _gated;

    public ScanWork(DeviceKernels<T> kernels, GoldenArena arena, SelectiveScanShape shape, bool gated)
        : base(arena)
    {
        (_kernels, _shape, _gated) = (kernels, shape, gated);
        int d = shape.Channels, n = shape.States;
        long sequence = shape.Batch * shape.Length * d, selection = shape.Batch * shape.Length * shape.Groups * n, group = (long)shape.Groups * n;
        _inputs = new SelectiveScanInputs<T>
        {
            U = Sequence("u", sequence, -1, 1), UStride = d, Delta = Sequence("delta", sequence, -4, 0), DeltaStride = d, A = Parameter("A", (long)d * n, -8, -0.5),
            B = Sequence("B", selection, -1, 1), BStride = group, C = Sequence("C", selection, -1, 1), CStride = group,
            Z = gated ? Sequence("z", sequence, -2, 2) : null, ZStride = d, D = Parameter("D", d, -1, 1), DeltaBias = Parameter("delta_bias", d, -1, 1),
        };
        _outputs = new SelectiveScanOutputs<T>
        {
            Out = Result("out", sequence), OutStride = d,
            Checkpoints = (T*)Scratch(kernels.CheckpointElements(shape) * ParameterBytes),
        };
        _gradients = new SelectiveScanGradients<T>
        {
            Out = Sequence("g_out", sequence, -1, 1), OutStride = d, U = Result("grad_u", sequence), UStride = d, Delta = Result("grad_delta", sequence), DeltaStride = d,
            A = WideResult("grad_A", (long)d * n), B = Result("grad_B", selection), BStride = group, C = Result("grad_C", selection), CStride = group,
            Z = gated ? Result("grad_z", sequence) : null, ZStride = d, D = WideResult("grad_D", d), DeltaBias = WideResult("grad_delta_bias", d),
        };
        _forwardWorkspace = Scratch(kernels.ForwardWorkspaceBytes(shape, checkpoints: true));
        _backwardWorkspace = Scratch(kernels.BackwardWorkspaceBytes(shape));
        CheckpointBytes = kernels.CheckpointElements(shape) * ParameterBytes;
    }

    public long CheckpointBytes { get; }

    public override string Name => $"scan {_shape.Batch}x{_shape.Length}x{_shape.Channels}x{_shape.States}{(_gated ? " z" : "")}";

    /// <summary>Each sequence once; an exponential a state, and those of softplus (exp and log) and of the gate; 27 instructions for four states and 75 an element,
    /// as the source of the kernel counts.</summary>
    public override KernelFloor ForwardFloor => new((Elements * (_gated ? 4 : 3) * sizeof(T)) + Selections(2), States + (Elements * (_gated ? 3 : 2)), 0, Issued(27, 75));

    /// <summary>u, delta, the gradient of out, and the gate with its gradient; y is recomputed. An exponential a state, if the forward
    /// recomputation keeps its values; 115 instructions for four states and 90 an element.</summary>
    public override KernelFloor BackwardFloor => new((Elements * (_gated ? 7 : 5) * sizeof(T)) + Selections(4), States + (Elements * (_gated ? 3 : 2)), 0, Issued(115, 90));

    private double Elements => (double)_shape.Batch * _shape.Length * _shape.Channels;

    private double States => Elements * _shape.States;

    public override void Forward() => _kernels.Forward(_shape, _inputs, _outputs, _forwardWorkspace);

    public override void Backward() => _kernels.Backward(_shape, _inputs, (nint)_outputs.Checkpoints, _gradients, _backwardWorkspace);

    private double Issued(int fourStates, int element) => typeof(T) == typeof(double) ? 0 : (States / 4 * fourStates) + (Elements * element);

    private double Selections(int arrays) => (double)arrays * _shape.Batch * _shape.Length * _shape.Groups * _shape.States * sizeof(T);
}
