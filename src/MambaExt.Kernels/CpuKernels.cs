using System.Numerics;

namespace MambaExt.Kernels;

/// <summary>The operators on the CPU. They allocate what they need beside their arguments themselves.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="options">Threads and vector width</param>
public sealed unsafe class CpuKernels<T>(KernelOptions options) : DeviceKernels<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public override long CheckpointElements(in SelectiveScanShape shape) => SelectiveScan.CheckpointElements<T>(shape, options);

    /// <inheritdoc/>
    public override long ForwardWorkspaceBytes(in SelectiveScanShape shape, bool checkpoints) => 0;

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in SelectiveScanShape shape) => 0;

    /// <inheritdoc/>
    public override void Forward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, nint workspace) =>
        SelectiveScan.Forward(shape, inputs, outputs, options);

    /// <inheritdoc/>
    public override void Backward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, nint checkpoints, in SelectiveScanGradients<T> gradients, nint workspace) =>
        SelectiveScan.Backward(shape, inputs, (T*)checkpoints, gradients, options);

    /// <inheritdoc/>
    public override long CheckpointElements(in StateSpaceDualityShape shape) => StateSpaceDuality.CheckpointElements<T>(shape);

    /// <inheritdoc/>
    public override long ForwardWorkspaceBytes(in StateSpaceDualityShape shape, bool checkpoints) => 0;

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in StateSpaceDualityShape shape) => 0;

    /// <inheritdoc/>
    public override void Forward(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, nint workspace) =>
        StateSpaceDuality.Forward(shape, inputs, outputs, options);

    /// <inheritdoc/>
    public override void Backward(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, nint checkpoints, in StateSpaceDualityGradients<T> gradients, nint workspace) =>
        StateSpaceDuality.Backward(shape, inputs, (T*)checkpoints, gradients, options);

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in CausalConv1dShape shape) => 0;

    /// <inheritdoc/>
    public override void Forward(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputs<T> outputs) =>
        CausalConv1d.Forward(shape, inputs, outputs, options);

    /// <inheritdoc/>
    public override void Backward(
        in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputGradients<T> arriving, in CausalConv1dInputGradients<T> written, nint workspace) =>
        CausalConv1d.Backward(shape, inputs, arriving, written, options);
}
