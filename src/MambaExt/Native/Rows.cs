using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>Sequences as kernels read them: row (b, l) at (b L + l) times one stride, the rest of a row without gaps.</summary>
internal static class Rows
{
    /// <summary>Elements between neighbouring rows of [B, L, ...], or null where the tensor does not lie in such rows.</summary>
    public static long? Stride(Tensor tensor)
    {
        long[] shape = tensor.shape, strides = tensor.stride();
        long inner = 1;
        for (int k = shape.Length - 1; k >= 2; k--)
        {
            if (shape[k] != 1 && strides[k] != inner)
            {
                return null;
            }

            inner *= shape[k];
        }

        if (shape[0] == 0 || shape[1] == 0)
        {
            return inner;
        }

        if (shape[1] == 1)
        {
            return shape[0] == 1 ? inner : Positive(strides[0], inner);
        }

        return shape[0] == 1 || strides[0] == shape[1] * strides[1] ? Positive(strides[1], inner) : null;
    }

    /// <summary>The tensor itself if it lies in rows, else a contiguous copy. Differentiable.</summary>
    public static Tensor Of(Tensor tensor) => Stride(tensor) is null ? tensor.contiguous() : tensor;

    // An expanded tensor repeats a row; the kernels may write gradients of the same layout, so only rows that do not overlap count.
    private static long? Positive(long stride, long inner) => stride >= inner ? stride : null;
}
