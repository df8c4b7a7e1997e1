using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// The selective scan (Gu and Dao, "Mamba", arXiv 2312.00752, section 3) on the CPU, forward and backward:
/// <code>
/// dt  = softplus(delta + delta_bias)                     [B, L, D]
/// h_t = exp(dt_t A) h_(t-1) + dt_t u_t B_t               [B, D, N]
/// y_t = sum_n C_t h_t + D u_t,   out = y silu(z)         [B, L, D]
/// </code>
/// float or double; results are the same bits at any number of threads.
/// </summary>
public static unsafe class SelectiveScan
{
    /// <summary>Elements that the checkpoints of a scan take: at most as many as its output, unless L is shorter than N.</summary>
    public static long CheckpointElements<T>(in SelectiveScanShape shape, KernelOptions options)
        where T : unmanaged
    {
        shape.Validate();
        if (shape.SinglePositions)
        {
            return 0;
        }

        int lanes = options.VectorBits / 8 / sizeof(T);
        var plan = new ScanPlan(shape, lanes);
        return checked(plan.Entries * plan.Checkpoints * plan.Blocks * plan.BlockElements);
    }

    /// <summary>Scans. With checkpoints, the backward scan must be given the same <see cref="KernelOptions.VectorBits"/>.</summary>
    public static void Forward<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelArgument.RequireFloatOrDouble<T>("The selective scan");
        options.Validate();
        SelectiveScanChecks.Require(shape, inputs, outputs);
        using var workspace = new Workspace();
        switch (options.VectorBits)
        {
            case 128:
                Forward<V128<T>, T>(shape, inputs, outputs, options.Threads, workspace);
                break;
            case 256:
                Forward<V256<T>, T>(shape, inputs, outputs, options.Threads, workspace);
                break;
            default:
                Forward<V512<T>, T>(shape, inputs, outputs, options.Threads, workspace);
                break;
        }
    }

    /// <summary>Gradients of a scan from the checkpoints its forward pass left.</summary>
    public static void Backward<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, T* checkpoints, in SelectiveScanGradients<T> gradients, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelArgument.RequireFloatOrDouble<T>("The selective scan");
        options.Validate();
        SelectiveScanChecks.Require(shape, inputs, checkpoints != null || shape.SinglePositions, gradients);
        using var workspace = new Workspace();
        switch (options.VectorBits)
        {
            case 128:
                Backward<V128<T>, T>(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
            case 256:
                Backward<V256<T>, T>(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
            default:
                Backward<V512<T>, T>(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
        }
    }

    private static void Forward<V, T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, int threads, Workspace workspace)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (shape.SinglePositions)
        {
            SinglePositions<V, T>.Forward(shape, inputs, outputs, threads, workspace);
        }
        else
        {
            SelectiveScanForward<V, T>.Run(shape, inputs, outputs, threads, workspace);
        }
    }

    private static void Backward<V, T>(
        in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, T* checkpoints, in SelectiveScanGradients<T> gradients, int threads, Workspace workspace)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (shape.SinglePositions)
        {
            SinglePositions<V, T>.Backward(shape, inputs, gradients, threads, workspace);
        }
        else
        {
            SelectiveScanBackward<V, T>.Run(shape, inputs, checkpoints, gradients, threads, workspace);
        }
    }
}
