using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// Numbers that belong to arcs, <c>[E, C]</c>, and the rows they lie in: from vertices to arcs, sums of a row's arcs, and softmax over
/// them (graph attention, Velickovic et al., arXiv 1710.10903). Every row is worked through in the order of its arcs.
/// </summary>
public static unsafe class CsrSegments
{
    /// <summary>values[e, :] = target[v, :] + source[Columns[e], :] for the arcs e of v; either may be null, which counts as zeros.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="target"><c>[V, C]</c> or null.</param>
    /// <param name="source"><c>[columns, C]</c> or null.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="values"><c>[E, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Spread<T>(in CsrRows rows, T* target, T* source, long channels, T* values, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(rows, channels, values, "Values", options);
        CsrSegmentKernel.ForRows<T, Spread<T>>(rows, channels, options, new Spread<T>(rows, target, source, channels, values));
    }

    /// <summary>y[v, :] = sum of values[e, :] over the arcs e of v. Over a transpose it is the sum over the arcs that point at a column.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="values"><c>[E, C]</c>, in the order of the original arcs.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Sum<T>(in CsrRows rows, T* values, long channels, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(rows, channels, values, "Values", options);
        if (rows.Rows > 0)
        {
            KernelArgument.RequirePointer(y, "Y", "[V, C]");
        }

        CsrSegmentKernel.ForRows<T, SegmentSum<T>>(rows, channels, options, new SegmentSum<T>(rows, values, channels, y));
    }

    /// <summary>p[e, c] = exp(values[e, c]) / sum of exp(values[e', c]) over the arcs e' of the same row, the largest taken off first.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="values"><c>[E, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="p"><c>[E, C]</c>, overwritten; may be <paramref name="values"/>.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Softmax<T>(in CsrRows rows, T* values, long channels, T* p, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(rows, channels, values, "Values", options);
        Check(rows, channels, p, "P", options);
        CsrSegmentKernel.ForRows<T, SegmentSoftmax<T>>(rows, channels, options, new SegmentSoftmax<T>(rows, values, channels, p));
    }

    /// <summary>Gradient of <see cref="Softmax"/>: dvalues = p (dp - sum of p dp over the row).</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="p"><c>[E, C]</c>, what it gave.</param>
    /// <param name="dp"><c>[E, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="dvalues"><c>[E, C]</c>, overwritten; may be <paramref name="dp"/>.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void SoftmaxGradient<T>(in CsrRows rows, T* p, T* dp, long channels, T* dvalues, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(rows, channels, p, "P", options);
        Check(rows, channels, dp, "Dp", options);
        Check(rows, channels, dvalues, "Dvalues", options);
        CsrSegmentKernel.ForRows<T, SegmentSoftmaxGradient<T>>(rows, channels, options, new SegmentSoftmaxGradient<T>(rows, p, dp, channels, dvalues));
    }

    private static void Check<T>(in CsrRows rows, long channels, T* values, string name, KernelOptions options)
        where T : unmanaged
    {
        options.Validate();
        KernelArgument.RequireFloatOrDouble<T>("CsrSegments");
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        if (channels < 1)
        {
            throw new ArgumentException($"C is {channels}; allowed is 1 or more, so give the channels of the arcs' values [E, C].");
        }

        if (rows.ArcCount > 0)
        {
            KernelArgument.RequirePointer(values, name, "[E, C]");
        }
    }
}
