namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Something that runs the kernels of <c>Cuda/Sources</c> on raw addresses: an NVIDIA GPU through its driver, or whatever runs the same
/// sources. A launcher of an operator computes grids, workspaces and arguments; a device only compiles, launches and copies.
/// </summary>
public abstract class GpuDevice
{
    /// <summary>The device's own name, such as <c>NVIDIA H100 80GB HBM3</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of dynamic shared memory a block may ask for.</summary>
    public abstract int SharedBytes { get; }

    /// <summary>Memory of the device, aligned to 256 bytes. For programs without a tensor library; operators take their workspace from the caller.</summary>
    /// <exception cref="CudaException">The device has no such memory left.</exception>
    public abstract nint Allocate(long bytes);

    /// <summary>Gives memory of <see cref="Allocate"/> back, after the work queued so far.</summary>
    public abstract void Free(nint address);

    /// <summary>Fills memory of the device with zero bytes, in the order of the stream.</summary>
    public abstract void Clear(nint address, long bytes, nint stream = 0);

    /// <summary>Copies to the device, after the work queued so far, and waits.</summary>
    public abstract void CopyIn(nint target, ReadOnlySpan<byte> source);

    /// <summary>Copies from the device, after the work queued so far, and waits.</summary>
    public abstract void CopyOut(Span<byte> target, nint source);

    /// <summary>Waits for the work queued so far.</summary>
    /// <exception cref="CudaException">A kernel failed.</exception>
    public abstract void Synchronize();

    /// <summary>
    /// Queues a kernel. Every kernel of the sources takes one argument, a struct by value, which <typeparamref name="TArguments"/> mirrors
    /// field by field.
    /// </summary>
    /// <param name="source">The source the kernel stands in; compiled at its first use</param>
    /// <param name="instance">The kernel as C++ names it, template arguments included: <c>scan_forward&lt;float, 16&gt;</c></param>
    /// <param name="size">Blocks, threads a block and dynamic shared memory</param>
    /// <param name="arguments">The kernel's argument</param>
    /// <param name="stream">A stream of the device; 0 is the default stream</param>
    public void Launch<TArguments>(KernelSource source, string instance, LaunchSize size, in TArguments arguments, nint stream = 0)
        where TArguments : unmanaged
    {
        size.Validate(instance, SharedBytes);
        if (size.Blocks == 0)
        {
            return;
        }

        unsafe
        {
            CheckArguments(source, instance, sizeof(TArguments));
            fixed (TArguments* address = &arguments)
            {
                Launch(source, instance, size, (nint)address, stream);
            }
        }
    }

    /// <summary>For a device that knows how large the kernel's argument is: throws where it is not that many bytes.</summary>
    protected virtual void CheckArguments(KernelSource source, string instance, int bytes)
    {
    }

    /// <summary>Queues a kernel whose argument lies at <paramref name="arguments"/> until this returns. The size is in range.</summary>
    protected abstract void Launch(KernelSource source, string instance, LaunchSize size, nint arguments, nint stream);
}
