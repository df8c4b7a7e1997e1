namespace MambaExt.Kernels;

/// <summary>What a causal convolution computes. Sequences are time-major, channels last: <c>[B, L, D]</c>.</summary>
/// <param name="Batch">B, 0 or more.</param>
/// <param name="Length">L, 0 or more.</param>
/// <param name="Channels">D, 1 or more.</param>
/// <param name="Width">W, the taps of a channel: 2, 3 or 4.</param>
/// <param name="Silu">Whether out = v sigmoid(v) of the sum v, or the sum itself.</param>
/// <param name="Reverse">Whether time is processed from the last position to the first: it equals flip, convolve, flip.</param>
public readonly record struct CausalConv1dShape(long Batch, long Length, long Channels, int Width, bool Silu, bool Reverse = false);

/// <summary>What a causal convolution reads. A null pointer is an absent input.</summary>
/// <typeparam name="T">float or double.</typeparam>
public unsafe struct CausalConv1dInputs<T>
    where T : unmanaged
{
    /// <summary>The sequences, <c>[B, L, D]</c> with rows <see cref="XRowStride"/> elements apart.</summary>
    public T* X { get; set; }

    /// <summary>Elements between consecutive time steps of x; 0 stands for D. A batch entry has L rows, so half of a projection
    /// <c>[B, L, 2D]</c> is convolved in place with 2D.</summary>
    public long XRowStride { get; set; }

    /// <summary>The taps <c>[D, W]</c>, oldest first.</summary>
    public T* Weight { get; set; }

    /// <summary>The bias <c>[D]</c>, or null for none.</summary>
    public T* Bias { get; set; }

    /// <summary>The W-1 inputs before the first position processed, <c>[B, W-1, D]</c> in processing order (oldest first), or null
    /// for zeros. In packed rows they belong to the first sequence processed.</summary>
    public T* InitialStates { get; set; }

    /// <summary>Packed rows: <c>[B, L]</c>; a sequence begins wherever neighbouring numbers differ, and a tap that would reach
    /// over its beginning reads zero. Null where each row is one sequence.</summary>
    public int* SeqIdx { get; set; }
}

/// <summary>What a causal convolution writes.</summary>
/// <typeparam name="T">float or double.</typeparam>
public unsafe struct CausalConv1dOutputs<T>
    where T : unmanaged
{
    /// <summary>The result, <c>[B, L, D]</c> with rows <see cref="OutRowStride"/> elements apart; it may not overlap an input.</summary>
    public T* Out { get; set; }

    /// <summary>Elements between consecutive time steps of the result; 0 stands for D.</summary>
    public long OutRowStride { get; set; }

    /// <summary>The last W-1 inputs in processing order, initial states included, <c>[B, W-1, D]</c>: the initial states of a
    /// continuation. It may not overlap an input. Packed rows are no exception: a last sequence of fewer than W-1 positions leaves its
    /// predecessor's inputs here, to be zeroed by who continues it. Null if not wanted.</summary>
    public T* FinalStates { get; set; }
}

/// <summary>Gradients that arrive at the outputs.</summary>
/// <typeparam name="T">float or double.</typeparam>
public unsafe struct CausalConv1dOutputGradients<T>
    where T : unmanaged
{
    /// <summary>Gradient of the result, <c>[B, L, D]</c> with rows <see cref="DOutRowStride"/> elements apart.</summary>
    public T* DOut { get; set; }

    /// <summary>Elements between consecutive time steps of <see cref="DOut"/>; 0 stands for D.</summary>
    public long DOutRowStride { get; set; }

    /// <summary>Gradient of the final states, <c>[B, W-1, D]</c>, or null for zero.</summary>
    public T* DFinalStates { get; set; }
}

/// <summary>Gradients of the inputs, overwritten; a null pointer is one that is not wanted.</summary>
/// <typeparam name="T">float or double.</typeparam>
public unsafe struct CausalConv1dInputGradients<T>
    where T : unmanaged
{
    /// <summary>Gradient of x, <c>[B, L, D]</c> with rows <see cref="DXRowStride"/> elements apart.</summary>
    public T* DX { get; set; }

    /// <summary>Elements between consecutive time steps of <see cref="DX"/>; 0 stands for D.</summary>
    public long DXRowStride { get; set; }

    /// <summary>Gradient of the taps, <c>[D, W]</c>.</summary>
    public T* DWeight { get; set; }

    /// <summary>Gradient of the bias, <c>[D]</c>.</summary>
    public T* DBias { get; set; }

    /// <summary>Gradient of the initial states, <c>[B, W-1, D]</c>.</summary>
    public T* DInitialStates { get; set; }
}
