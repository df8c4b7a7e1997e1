using System.Numerics;
using System.Runtime.CompilerServices;
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
        CausalConv1dOutputs<T> written = outputs;
        written.OutRowStride = CheckedStride(shape, "Out", outputs.Out, outputs.OutRowStride);
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
        CausalConv1dOutputGradients<T> arriving = outputGradients;
        arriving.DOutRowStride = CheckedStride(shape, "DOut", outputGradients.DOut, outputGradients.DOutRowStride);
        CausalConv1dInputGradients<T> written = inputGradients;
        written.DXRowStride = inputGradients.DX == null ? shape.Channels : CheckedStride(shape, "DX", inputGradients.DX, inputGradients.DXRowStride);
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
        if (shape.Batch < 0 || shape.Length < 0 || shape.Channels < 1)
        {
            throw new ArgumentException(
                $"B, L, D are {shape.Batch}, {shape.Length}, {shape.Channels}; B and L are 0 or more and D 1 or more, so give the sizes of x [B, L, D].");
        }

        if (shape.Width is < 2 or > 4)
        {
            throw new ArgumentException($"The convolution has {shape.Width} taps; allowed are 2, 3 and 4, so choose d_conv among them.");
        }

        KernelArgument.RequirePointer(inputs.Weight, "Weight", "[D, W]");
        CausalConv1dInputs<T> result = inputs;
        result.XRowStride = CheckedStride(shape, "X", inputs.X, inputs.XRowStride);
        return result;
    }

    private static long CheckedStride<T>(in CausalConv1dShape shape, string name, T* pointer, long stride)
        where T : unmanaged
    {
        if (shape.Batch > 0 && shape.Length > 0)
        {
            KernelArgument.RequirePointer(pointer, name, "[B, L, D]");
        }

        if (stride != 0 && stride < shape.Channels)
        {
            throw new ArgumentException(
                $"The row stride of {name} is {stride} elements, less than its {shape.Channels} channels; give D or more, or 0 for rows without gaps.");
        }

        return stride == 0 ? shape.Channels : stride;
    }
}
