namespace MambaExt.Kernels.Cuda;

/// <summary>Sparse features times a dense weight on a GPU, as <see cref="SparseFeatures"/> defines it. All addresses are the device's.</summary>
public static unsafe class CudaSparseFeatures
{
    /// <summary>Queues y = S W.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="features">S, <c>[V, F]</c></param>
    /// <param name="values"><c>[E]</c></param>
    /// <param name="weight">W, <c>[F, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="y"><c>[V, C]</c>, overwritten</param>
    /// <param name="workspace"><see cref="CudaCsrSum.WorkspaceBytes{T}"/> bytes of S, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    public static void Forward<T>(GpuDevice device, in CudaCsrRows features, T* values, T* weight, long channels, T* y, nint workspace, nint stream = 0)
        where T : unmanaged => CudaCsrSum.Weighted(device, features, weight, channels, values, y, workspace, stream);

    /// <summary>Queues dW = S^T dy.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="transposed">S^T, copied from a <see cref="CsrTranspose"/></param>
    /// <param name="values"><c>[E]</c>, in the order of S</param>
    /// <param name="dy"><c>[V, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="dweight"><c>[F, C]</c>, overwritten</param>
    /// <param name="workspace"><see cref="CudaCsrSum.WorkspaceBytes{T}"/> bytes of S^T, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    public static void WeightGradient<T>(
        GpuDevice device, in CudaCsrRows transposed, T* values, T* dy, long channels, T* dweight, nint workspace, nint stream = 0)
        where T : unmanaged => CudaCsrSum.Weighted(device, transposed, dy, channels, values, dweight, workspace, stream);
}
