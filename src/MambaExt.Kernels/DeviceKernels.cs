namespace MambaExt.Kernels;

/// <summary>
/// The operators over sequences of <typeparamref name="T"/> on one device: the same calls, whether the addresses lie in the CPU's memory or a
/// GPU's. Beside 16-bit sequences everything else (parameters, states, checkpoints, constant B and C, and their gradients) is float32
/// behind the pointers to T. The caller brings all memory, aligned to 64 bytes; a workspace may be null where 0 bytes are asked for.
/// </summary>
/// <typeparam name="T">float or double; on a GPU also <see cref="BFloat16"/> and <see cref="Half"/>.</typeparam>
public abstract unsafe class DeviceKernels<T>
    where T : unmanaged
{
    /// <summary>Elements that the checkpoints of a selective scan take.</summary>
    public abstract long CheckpointElements(in SelectiveScanShape shape);

    /// <summary>Bytes of workspace of a selective scan.</summary>
    /// <param name="shape">Sizes</param>
    /// <param name="checkpoints">The scan is given memory for checkpoints</param>
    public abstract long ForwardWorkspaceBytes(in SelectiveScanShape shape, bool checkpoints);

    /// <summary>Bytes of workspace of its gradients.</summary>
    public abstract long BackwardWorkspaceBytes(in SelectiveScanShape shape);

    /// <summary>The selective scan.</summary>
    public abstract void Forward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, nint workspace);

    /// <summary>Its gradients, from the checkpoints its forward pass left.</summary>
    public abstract void Backward(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, nint checkpoints, in SelectiveScanGradients<T> gradients, nint workspace);

    /// <summary>Elements that the checkpoints of a Mamba-2 scan take.</summary>
    public abstract long CheckpointElements(in StateSpaceDualityShape shape);

    /// <summary>Bytes of workspace of a Mamba-2 scan.</summary>
    /// <param name="shape">Sizes</param>
    /// <param name="checkpoints">The scan is given memory for checkpoints</param>
    public abstract long ForwardWorkspaceBytes(in StateSpaceDualityShape shape, bool checkpoints);

    /// <summary>Bytes of workspace of its gradients.</summary>
    public abstract long BackwardWorkspaceBytes(in StateSpaceDualityShape shape);

    /// <summary>The Mamba-2 scan.</summary>
    public abstract void Forward(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, nint workspace);

    /// <summary>Its gradients, from the checkpoints its forward pass left.</summary>
    public abstract void Backward(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, nint checkpoints, in StateSpaceDualityGradients<T> gradients, nint workspace);

    /// <summary>Bytes of workspace of the gradients of a causal convolution; its forward pass takes none.</summary>
    public abstract long BackwardWorkspaceBytes(in CausalConv1dShape shape);

    /// <summary>The causal convolution.</summary>
    public abstract void Forward(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputs<T> outputs);

    /// <summary>Its gradients.</summary>
    public abstract void Backward(
        in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputGradients<T> arriving, in CausalConv1dInputGradients<T> written, nint workspace);
}
