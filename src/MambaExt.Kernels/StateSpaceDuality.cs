using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// The recurrence of Mamba-2 (Dao and Gu, "Transformers are SSMs", arXiv 2405.21060, sections 6 and 7) on the CPU, forward and backward:
/// <code>
/// d_t = softplus(dt + dt_bias), held within limits       [B, L, H]
/// S_t = exp(d_t A) S_(t-1) + d_t x_t (outer) B_t          [B, H, P, N]
/// y_t = S_t C_t + D x_t,   out = y silu(z)                [B, L, H, P]
/// </code>
/// float or double; results are the same bits at any number of threads. Long sequences are computed in chunks, by matrix products
/// within a chunk and a state between chunks; very short ones position by position. A chunk ends where a packed sequence does, so what is
/// not finite in one never reaches another. Within a chunk what does not count is multiplied by zero: a number that is not finite can
/// reach earlier positions of its own sequence.
/// </summary>
public static unsafe class StateSpaceDuality
{
    /// <summary>Elements that the checkpoints take: a state between any two neighbouring chunks.</summary>
    public static long CheckpointElements<T>(in StateSpaceDualityShape shape)
        where T : unmanaged
    {
        shape.Validate();
        return checked(shape.Batch * Math.Max(0, SsdPlan.Chunks(shape.Length) - 1) * shape.Heads * shape.HeadWidth * shape.States);
    }

    /// <summary>Computes out, the last state if it has memory, and the checkpoints if they have.</summary>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Forward<T>(in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelArgument.RequireFloatOrDouble<T>("The Mamba-2 scan");
        options.Validate();
        StateSpaceDualityArguments.Require(shape, inputs, outputs);
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

    /// <summary>Gradients from the checkpoints that the forward pass left.</summary>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Backward<T>(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, T* checkpoints, in StateSpaceDualityGradients<T> gradients, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        KernelArgument.RequireFloatOrDouble<T>("The Mamba-2 scan");
        options.Validate();
        StateSpaceDualityArguments.Require(shape, inputs, checkpoints != null || SsdPlan.Chunks(shape.Length) <= 1, gradients);
        using var workspace = new Workspace();
        switch (options.VectorBits)
        {
            case 128:
                SsdBackward<V128<T>, T>.Run(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
            case 256:
                SsdBackward<V256<T>, T>.Run(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
            default:
                SsdBackward<V512<T>, T>.Run(shape, inputs, checkpoints, gradients, options.Threads, workspace);
                break;
        }
    }

    private static void Forward<V, T>(
        in StateSpaceDualityShape shape, in StateSpaceDualityInputs<T> inputs, in StateSpaceDualityOutputs<T> outputs, int threads, Workspace workspace)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (SsdPlan.Sequential(shape))
        {
            SsdSequential<V, T>.Run(shape, inputs, outputs, threads, workspace);
        }
        else
        {
            SsdForward<V, T>.Run(shape, inputs, outputs, threads, workspace);
        }
    }
}
