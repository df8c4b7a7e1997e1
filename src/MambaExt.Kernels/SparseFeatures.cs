using System.Numerics;

namespace MambaExt.Kernels;

/// <summary>
/// Sparse features times a dense weight: <c>y = S W</c>, S <c>[V, F]</c> by rows with values <c>[E]</c>, W <c>[F, C]</c>; and the gradient
/// <c>dW = S^T dy</c>. Both are weighted sums over rows (<see cref="CsrSum.Weighted{T}"/>), the second over the transpose.
/// </summary>
public static unsafe class SparseFeatures
{
    /// <summary>y = S W.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="features">S, <c>[V, F]</c>.</param>
    /// <param name="values"><c>[E]</c>.</param>
    /// <param name="weight">W, <c>[F, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Forward<T>(in CsrRows features, T* values, T* weight, long channels, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> => CsrSum.Weighted(features, weight, channels, values, y, options);

    /// <summary>dW = S^T dy, every row of dW summed in the order of the vertices.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="transposed">S^T, from a <see cref="CsrTranspose"/> built once.</param>
    /// <param name="values"><c>[E]</c>, in the order of S.</param>
    /// <param name="dy"><c>[V, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="dweight"><c>[F, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void WeightGradient<T>(in CsrRows transposed, T* values, T* dy, long channels, T* dweight, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> => CsrSum.Weighted(transposed, dy, channels, values, dweight, options);
}
