namespace MambaExt.Kernels.Cuda;

/// <summary>The operators on a GPU, queued on one of its streams.</summary>
/// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
/// <param name="device">The GPU</param>
/// <param name="stream">A stream of it; 0 is the default stream</param>
public sealed unsafe class CudaKernels<T>(GpuDevice device, nint stream = 0) : DeviceKernels<T>
    where T : unmanaged
{
    /// <inheritdoc/>
    public override long CheckpointElements(in SelectiveScanShape shape) => CudaSelectiveScan.CheckpointElements(shape);

    /// <inheritdoc/>
    public override long ForwardWorkspaceBytes(in SelectiveScanShape shape, bool checkpoints) => CudaSelectiveScan.ForwardWorkspaceBytes<T>(shape);

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in SelectiveScanShape shape) => CudaSelectiveScan.BackwardWorkspaceBytes<T>(shape);

    /// <inheritdoc/>
    public override void Forward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, nint workspace) =>
        CudaSelectiveScan.Forward(device, shape, inputs, outputs, workspace, stream);

    /// <inheritdoc/>
    public override void Backward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, nint checkpoints, in SelectiveScanGradients<T> gradients, nint workspace) =>
        CudaSelectiveScan.Backward(device, shape, inputs, checkpoints, gradients, workspace, stream);

    /// <inheritdoc/>
    public override long CheckpointElements(in StateSpaceDualityShape shape) => CudaStateSpaceDuality.CheckpointElements(shape);

    /// <inheritdoc/>
    public override long ForwardWorkspaceBytes(in StateSpaceDualityShape shape, bool checkpoints) => CudaStateSpaceDuality.ForwardWorkspaceBytes<T>(shape, checkpoints);

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in StateSpaceDualityShape shape) => CudaStateSpaceDuality.BackwardWorkspaceBytes<T>(shape);

    /// <inheritdoc/>
    public override void Forward(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, nint workspace) =>
        CudaStateSpaceDuality.Forward(device, shape, inputs, outputs, workspace, stream);

    /// <inheritdoc/>
    public override void Backward(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, nint checkpoints, in StateSpaceDualityGradients<T> gradients, nint workspace) =>
        CudaStateSpaceDuality.Backward(device, shape, inputs, checkpoints, gradients, workspace, stream);

    /// <inheritdoc/>
    public override long BackwardWorkspaceBytes(in CausalConv1dShape shape) => CudaCausalConv1d.BackwardWorkspaceBytes<T>(shape);

    /// <inheritdoc/>
    public override void Forward(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputs<T> outputs) =>
        CudaCausalConv1d.Forward(device, shape, inputs, outputs, stream);

    /// <inheritdoc/>
    public override void Backward(
        in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputGradients<T> arriving, in CausalConv1dInputGradients<T> written, nint workspace) =>
        CudaCausalConv1d.Backward(device, shape, inputs, arriving, written, workspace, stream);
}
