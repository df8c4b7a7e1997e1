using System.Numerics;

namespace MambaExt.Kernels.Tests;

/// <summary>All sums over arcs and all their gradients, as the kernels compute them.</summary>
internal sealed record CsrResult(
    double[] Plain, double[] Weighted, double[] Gated, double[] DXPlain, double[] DXWeighted, double[] DXGated, double[] DWeights, double[] DGates);

/// <summary>Runs the kernels on a case; guards lie around everything that is written.</summary>
internal static unsafe class CsrRunner
{
    public static CsrResult Run<T>(CsrCase c, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var offsets = new NativeArray<long>(c.Offsets);
        using var targets = new NativeArray<int>(c.Targets);
        var rows = new CsrRows(c.Rows, c.Columns, offsets.Pointer, targets.Pointer);
        rows.Validate();
        using var transpose = new CsrTranspose(rows);
        CsrRows back = transpose.Rows;
        back.Validate();
        using NativeArray<T> x = NativeArray<T>.Of(c.X), dy = NativeArray<T>.Of(c.DY);
        using NativeArray<T> weights = NativeArray<T>.Of(c.Weights), gates = NativeArray<T>.Of(c.Gates);
        int channels = c.Channels;
        return new CsrResult(
            Written<T>(c.DY.Length, y => CsrSum.Plain(rows, x.Pointer, channels, y.Pointer, options)),
            Written<T>(c.DY.Length, y => CsrSum.Weighted(rows, x.Pointer, channels, weights.Pointer, y.Pointer, options)),
            Written<T>(c.DY.Length, y => CsrSum.Gated(rows, x.Pointer, channels, gates.Pointer, y.Pointer, options)),
            Written<T>(c.X.Length, dx => CsrSum.Plain(back, dy.Pointer, channels, dx.Pointer, options)),
            Written<T>(c.X.Length, dx => CsrSum.Weighted(back, dy.Pointer, channels, weights.Pointer, dx.Pointer, options)),
            Written<T>(c.X.Length, dx => CsrSum.Gated(back, dy.Pointer, channels, gates.Pointer, dx.Pointer, options)),
            Written<T>(c.Weights.Length, dw => CsrSum.WeightGradient(rows, x.Pointer, dy.Pointer, channels, dw.Pointer, options)),
            Written<T>(c.Gates.Length, dg => CsrSum.GateGradient(rows, x.Pointer, dy.Pointer, channels, dg.Pointer, options)));
    }

    private static double[] Written<T>(int length, Action<NativeArray<T>> write)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var target = new NativeArray<T>(length);
        write(target);
        return target.ToDoubles();
    }
}
