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
        Check<T>(shape, inputs, options);
        if (shape.Stateless && outputs.LastState != null)
        {
            throw new ArgumentException("The scan is declared stateless and was given memory for the last state; leave out one of the two.");
        }

        if (outputs.Out == null && shape.Length > 0 && shape.Batch > 0)
        {
            throw new ArgumentException("The selective scan was given no memory for out; pass [B, L, D], or [B, L, D, N] for states.");
        }

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
        Check<T>(shape, inputs, options);
        if (shape.Stateless && (gradients.LastState != null || gradients.InitialState != null))
        {
            throw new ArgumentException("The scan is declared stateless and was given the gradient of a state; leave out one of the two.");
        }

        if (shape.Length > 0 && shape.Batch > 0 && ((checkpoints == null && !shape.SinglePositions) || gradients.Out == null))
        {
            throw new ArgumentException("The backward scan needs the gradient of out and the checkpoints that the forward scan left; one of them is null.");
        }

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

    private static void Check<T>(in SelectiveScanShape shape, in SelectiveScanInputs<T> inputs, KernelOptions options)
        where T : unmanaged
    {
        shape.Validate();
        options.Validate();
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new ArgumentException($"The selective scan was asked to run on {typeof(T).Name}; the CPU kernels take float and double.");
        }

        bool sequence = shape.Length > 0 && shape.Batch > 0;
        if (inputs.A == null || (sequence && (inputs.U == null || inputs.Delta == null || inputs.B == null)))
        {
            throw new ArgumentException("The selective scan needs u, delta, A and B; one of them is null.");
        }

        if (shape.Stateless && inputs.InitialState != null)
        {
            throw new ArgumentException("The scan is declared stateless and was given an initial state; leave out one of the two.");
        }

        if (shape.ReturnStates && (inputs.C != null || inputs.D != null || inputs.Z != null))
        {
            throw new ArgumentException("A scan that returns its states takes no C, D or z; leave them out, or ask for the output instead.");
        }

        if (!shape.ReturnStates && inputs.C == null && sequence)
        {
            throw new ArgumentException("The selective scan needs C; it is null. Ask for the states if they are the result.");
        }
    }
}
