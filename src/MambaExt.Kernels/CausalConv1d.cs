using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// Causal depthwise convolution of 2 to 4 taps over time: <c>out_t = act(bias + sum_k weight[k] x_(t-W+1+k))</c>, act being SiLU
/// or nothing. With <see cref="CausalConv1dShape.Reverse"/> the taps reach forward: <c>x_(t+W-1-k)</c>.
/// All memory is the caller's; nothing is saved for the backward pass, which computes the sum before the activation anew.
/// </summary>
public static unsafe class CausalConv1d
{
    /// <summary>Writes the result <c>[B, L, D]</c> and, if wanted, the final states <c>[B, W-1, D]</c>.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A size, stride or pointer that cannot be right.</exception>
    public static void Forward<T>(
        in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, in CausalConv1dOutputs<T> outputs, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CausalConv1dInputs<T> read = Checked(shape, inputs, options);
        CausalConv1dOutputs<T> written = CausalConv1dChecks.Outputs(shape, outputs);
        switch (options.VectorBits)
        {
            case 128: CausalConv1dForward.Run<V128<T>, T>(shape, read, written, options.Threads); break;
            case 256: CausalConv1dForward.Run<V256<T>, T>(shape, read, written, options.Threads); break;
            default: CausalConv1dForward.Run<V512<T>, T>(shape, read, written, options.Threads); break;
        }
    }

    /// <summary>Writes the gradients of x <c>[B, L, D]</c>, weight <c>[D, W]</c>, bias <c>[D]</c> and initial states
    /// <c>[B, W-1, D]</c>, as far as they are wanted.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <exception cref="ArgumentException">A size, stride or pointer that cannot be right.</exception>
    public static void Backward<T>(
        in CausalConv1dShape shape,
        in CausalConv1dInputs<T> inputs,
        in CausalConv1dOutputGradients<T> outputGradients,
        in CausalConv1dInputGradients<T> inputGradients,
        KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CausalConv1dInputs<T> read = Checked(shape, inputs, options);
        CausalConv1dOutputGradients<T> arriving = CausalConv1dChecks.OutputGradients(shape, outputGradients);
        CausalConv1dInputGradients<T> written = CausalConv1dChecks.InputGradients(shape, inputGradients);
        switch (options.VectorBits)
        {
            case 128: CausalConv1dBackward.Run<V128<T>, T>(shape, read, arriving, written, options.Threads); break;
            case 256: CausalConv1dBackward.Run<V256<T>, T>(shape, read, arriving, written, options.Threads); break;
            default: CausalConv1dBackward.Run<V512<T>, T>(shape, read, arriving, written, options.Threads); break;
        }
    }

    private static CausalConv1dInputs<T> Checked<T>(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        options.Validate();
        KernelArgument.RequireFloatOrDouble<T>("CausalConv1d");
        return CausalConv1dChecks.Inputs(shape, inputs);
    }
}
