namespace MambaExt.Kernels;

/// <summary>What every causal convolution asks of its arguments, wherever it runs. Row strides come back with 0 replaced by D.</summary>
internal static unsafe class CausalConv1dChecks
{
    public static CausalConv1dInputs<T> Inputs<T>(in CausalConv1dShape shape, in CausalConv1dInputs<T> inputs)
        where T : unmanaged
    {
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
        result.XRowStride = Stride(shape, "X", inputs.X, inputs.XRowStride);
        return result;
    }

    public static CausalConv1dOutputs<T> Outputs<T>(in CausalConv1dShape shape, in CausalConv1dOutputs<T> outputs)
        where T : unmanaged
    {
        CausalConv1dOutputs<T> result = outputs;
        result.OutRowStride = Stride(shape, "Out", outputs.Out, outputs.OutRowStride);
        return result;
    }

    public static CausalConv1dOutputGradients<T> OutputGradients<T>(in CausalConv1dShape shape, in CausalConv1dOutputGradients<T> gradients)
        where T : unmanaged
    {
        CausalConv1dOutputGradients<T> result = gradients;
        result.DOutRowStride = Stride(shape, "DOut", gradients.DOut, gradients.DOutRowStride);
        return result;
    }

    public static CausalConv1dInputGradients<T> InputGradients<T>(in CausalConv1dShape shape, in CausalConv1dInputGradients<T> gradients)
        where T : unmanaged
    {
        CausalConv1dInputGradients<T> result = gradients;
        result.DXRowStride = gradients.DX == null ? shape.Channels : Stride(shape, "DX", gradients.DX, gradients.DXRowStride);
        return result;
    }

    private static long Stride<T>(in CausalConv1dShape shape, string name, T* pointer, long stride)
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
