using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>What follows the scale and shift of <see cref="ChannelNorm"/>.</summary>
/// <param name="Relu">max(0, .), else nothing</param>
/// <param name="Dropout">Probability with which an element becomes 0; the others are divided by 1 - p</param>
/// <param name="Seed">Of the dropped elements: element i of one seed is dropped or not, whoever asks</param>
public readonly record struct ChannelActivation(bool Relu, double Dropout, ulong Seed);

/// <summary>
/// One pass over <c>x [R, C]</c> for what a deep layer does after its product: <c>y = dropout(relu(scale[c] x + shift[c]))</c>. Batch
/// norm (Ioffe and Szegedy, arXiv 1502.03167) is that with a scale and shift from <see cref="Statistics"/>. Nothing is kept for the backward
/// pass but x: the dropped elements are drawn again from the seed. Sums over rows are made block by block in a fixed order.
/// </summary>
public static unsafe class ChannelNorm
{
    /// <summary>Mean and variance (divisor R) of each channel.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x"><c>[R, C]</c>.</param>
    /// <param name="rows">R, 1 or more.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="mean"><c>[C]</c>, overwritten.</param>
    /// <param name="variance"><c>[C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Statistics<T>(T* x, long rows, long channels, double* mean, double* variance, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(x, rows, channels, options);
        ChannelNormKernel.Statistics(x, rows, channels, mean, variance, options);
    }

    /// <summary>y = dropout(relu(scale x + shift)).</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x"><c>[R, C]</c>.</param>
    /// <param name="rows">R.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="scale"><c>[C]</c>, or null for 1.</param>
    /// <param name="shift"><c>[C]</c>, or null for 0.</param>
    /// <param name="activation">What follows.</param>
    /// <param name="y"><c>[R, C]</c>, overwritten; may be <paramref name="x"/>.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Forward<T>(T* x, long rows, long channels, T* scale, T* shift, ChannelActivation activation, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(x, rows, channels, options);
        ChannelNormKernel.Forward(x, rows, channels, scale, shift, activation, y, options);
    }

    /// <summary>Gradient before scale and shift, <c>g = dy relu' dropout'</c>, and its sums over the rows.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x"><c>[R, C]</c>.</param>
    /// <param name="dy"><c>[R, C]</c>.</param>
    /// <param name="rows">R.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="scale"><c>[C]</c>, or null for 1.</param>
    /// <param name="shift"><c>[C]</c>, or null for 0.</param>
    /// <param name="activation">As in forward.</param>
    /// <param name="g"><c>[R, C]</c>, overwritten; may be <paramref name="dy"/>.</param>
    /// <param name="sums"><c>[2, C]</c>, overwritten: the sums of g and of g x; or null where nobody wants them.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Backward<T>(
        T* x, T* dy, long rows, long channels, T* scale, T* shift, ChannelActivation activation, T* g, double* sums, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(x, rows, channels, options);
        ChannelNormKernel.Backward(x, dy, rows, channels, scale, shift, activation, g, sums, options);
    }

    /// <summary>g = a[c] g + b[c] x + d[c] in place, which is how statistics enter the gradient.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x"><c>[R, C]</c>.</param>
    /// <param name="rows">R.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="factors"><c>[3, C]</c>: a, b and d.</param>
    /// <param name="g"><c>[R, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Combine<T>(T* x, long rows, long channels, T* factors, T* g, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(x, rows, channels, options);
        ChannelNormKernel.Combine(x, rows, channels, factors, g, options);
    }

    private static void Check<T>(T* x, long rows, long channels, KernelOptions options)
        where T : unmanaged
    {
        options.Validate();
        KernelArgument.RequireFloatOrDouble<T>("ChannelNorm");
        if (rows < 0 || channels < 1)
        {
            throw new ArgumentException($"x is {rows} x {channels}; give 0 or more rows of 1 or more channels.");
        }

        if (rows > 0)
        {
            KernelArgument.RequirePointer(x, "X", "[R, C]");
        }
    }
}
