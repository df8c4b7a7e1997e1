using System.Numerics;
using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// Sums over the arcs of a graph: <c>y[v, :] = sum over e in row v of w_e x[Columns[e], :]</c>, with one weight an arc (weights
/// <c>[E]</c>), one an arc and channel (gates <c>[E, C]</c>), or none. A row is summed whole, in the order of its arcs.
/// The gradient of x is the same sum over the transpose (<see cref="CsrTranspose"/>), with dy in the place of x.
/// </summary>
public static unsafe class CsrSum
{
    /// <summary>y[v] = sum of x over the arcs of v. Also the gradient: dx = sum of dy over the transpose.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Plain<T>(in CsrRows rows, T* x, long channels, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, y);
        CsrKernel.Sum<T, PlainArcs>(rows, x, channels, null, y, options);
    }

    /// <summary>y[v] = sum of weights[e] x[Columns[e]] over the arcs e of v. Also the gradient, over the transpose.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="weights"><c>[E]</c>, or <c>[E, heads]</c>, in the order of the original arcs.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x.</param>
    /// <param name="options">Threads and vector width.</param>
    /// <param name="heads">Weights an arc, a divisor of C: weight h is for the channels from h C / heads on, C / heads of them.</param>
    public static void Weighted<T>(in CsrRows rows, T* x, long channels, T* weights, T* y, KernelOptions options, long heads = 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrChecks.Heads(channels, heads);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, y);
        CsrChecks.Arcs(rows.ArcCount, weights, "Weights", "[E]");
        CsrKernel.Sum<T, WeightedArcs>(rows, x, channels, weights, y, options, heads);
    }

    /// <summary>y[v] = sum of gates[e, :] x[Columns[e], :] over the arcs e of v. Also the gradient, over the transpose.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="gates"><c>[E, C]</c>, in the order of the original arcs.</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void Gated<T>(in CsrRows rows, T* x, long channels, T* gates, T* y, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, y);
        CsrChecks.Arcs(rows.ArcCount, gates, "Gates", "[E, C]");
        CsrKernel.Sum<T, GatedArcs>(rows, x, channels, gates, y, options);
    }

    /// <summary>Gradient of the weights: dweights[e] = dot(dy[v], x[Columns[e]]) for the arcs e of v.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs of the forward sum.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="dy"><c>[V, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="dweights"><c>[E]</c> or <c>[E, heads]</c>, overwritten. Lanes are added in an order that the vector width fixes.</param>
    /// <param name="options">Threads and vector width.</param>
    /// <param name="heads">Weights an arc, a divisor of C.</param>
    public static void WeightGradient<T>(in CsrRows rows, T* x, T* dy, long channels, T* dweights, KernelOptions options, long heads = 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrChecks.Heads(channels, heads);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, dy);
        CsrChecks.Arcs(rows.ArcCount, dweights, "Dweights", "[E]");
        CsrArcGradients.Weights(rows, x, dy, channels, dweights, options, heads);
    }

    /// <summary>Gradient of the gates: dgates[e, :] = dy[v, :] x[Columns[e], :] for the arcs e of v.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="rows">The arcs of the forward sum.</param>
    /// <param name="x"><c>[columns, C]</c>.</param>
    /// <param name="dy"><c>[V, C]</c>.</param>
    /// <param name="channels">C, 1 or more.</param>
    /// <param name="dgates"><c>[E, C]</c>, overwritten.</param>
    /// <param name="options">Threads and vector width.</param>
    public static void GateGradient<T>(in CsrRows rows, T* x, T* dy, long channels, T* dgates, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check<T>(rows, channels, options);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, dy);
        CsrChecks.Arcs(rows.ArcCount, dgates, "Dgates", "[E, C]");
        CsrArcGradients.Gates(rows, x, dy, channels, dgates, options);
    }

    private static void Check<T>(in CsrRows rows, long channels, KernelOptions options)
        where T : unmanaged
    {
        options.Validate();
        KernelArgument.RequireFloatOrDouble<T>("CsrSum");
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        CsrChecks.Channels(channels);
    }
}
