using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// The edge gate of GatedGCN (Bresson and Laurent, arXiv 1711.07553) without a tensor an arc: for the arcs e of v, pointing at j,
/// <c>g_e = sigmoid(target[v] + source[j])</c> and <c>y[v] = sum of g_e x[j] / (sum of g_e + 1e-6)</c>, channel by channel.
/// Gates are computed again in the backward pass.
/// </summary>
public static unsafe class CsrGatedMean
{
    /// <summary>What keeps the divisor off zero.</summary>
    public const double Epsilon = 1e-6;

    /// <summary>The mean.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="target"><c>[V, C]</c>.</param>
    /// <param name="source"><c>[columns, C]</c>.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten.</param>
    /// <param name="divisor"><c>[V, C]</c>, overwritten: the sum of the gates and epsilon, for the backward pass.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Forward<T>(in CsrRows rows, T* target, T* source, T* x, long channels, T* y, T* divisor, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrSegmentKernel.ForRows<T, GatedMean<T>>(rows, 4 * channels, channels, options, new GatedMean<T>(rows, target, source, x, channels, y, divisor));
    }

    /// <summary>All gradients.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs of the forward pass.</param>
    /// <param name="transposed">Their transpose.</param>
    /// <param name="target"><c>[V, C]</c>.</param>
    /// <param name="source"><c>[columns, C]</c>.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="y"><c>[V, C]</c>, what forward gave.</param>
    /// <param name="share"><c>[V, C]</c>: dy / divisor.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="dtarget"><c>[V, C]</c>, overwritten.</param>
    /// <param name="dsource"><c>[columns, C]</c>, overwritten.</param>
    /// <param name="dx"><c>[columns, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Backward<T>(
        in CsrRows rows, in CsrRows transposed, T* target, T* source, T* x, T* y, T* share, long channels, T* dtarget, T* dsource, T* dx, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        Check<T>(transposed, channels, options);
        CsrSegmentKernel.ForRows<T, GatedMeanTarget<T>>(rows, 4 * channels, channels, options, new GatedMeanTarget<T>(rows, target, source, x, y, share, channels, dtarget));
        CsrSegmentKernel.ForRows<T, GatedMeanSource<T>>(transposed, 4 * channels, channels, options, new GatedMeanSource<T>(transposed, target, source, x, y, share, channels, dsource, dx));
    }

    private static void Check<T>(in CsrRows rows, long channels, KernelOptions options)
        where T : unmanaged
    {
        options.Validate();
        KernelArgument.RequireFloatOrDouble<T>("CsrGatedMean");
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        if (channels < 1)
        {
            throw new ArgumentException($"C is {channels}; allowed is 1 or more, so give the channels of x [columns, C].");
        }
    }
}
