using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// sums[k] += gradient x[k] for the taps and sums[W] += gradient for the bias, over one step or four at once; sums are W + 1 rows
/// of as many channels.
/// </summary>
internal static unsafe class ConvTapGradients
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One<V, T, TTaps>(T* sums, in TapRows<T> x, T* gradient, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps => Lanes.Cover<V, T, OneBody<T, TTaps>>(new(sums, x, gradient, channels), channels);

    /// <summary>Step i of four reads the rows i ... i+W-1 of x and row i of the gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four<V, T, TTaps>(T* sums, T* x, long xStride, T* gradient, long gradientStride, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps => Lanes.Cover<V, T, FourBody<T, TTaps>>(new(sums, x, xStride, gradient, gradientStride, channels), channels);

    private readonly struct OneBody<T, TTaps>(T* sums, TapRows<T> x, T* gradient, long channels) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            V g = V.Load(gradient + d);
            T* sum = sums + d;
            V.MultiplyAdd(g, V.Load(x.Row0 + d), V.Load(sum)).Store(sum);
            sum += channels;
            V.MultiplyAdd(g, V.Load(x.Row1 + d), V.Load(sum)).Store(sum);
            sum += channels;
            if (TTaps.Width > 2)
            {
                V.MultiplyAdd(g, V.Load(x.Row2 + d), V.Load(sum)).Store(sum);
                sum += channels;
            }

            if (TTaps.Width > 3)
            {
                V.MultiplyAdd(g, V.Load(x.Row3 + d), V.Load(sum)).Store(sum);
                sum += channels;
            }

            (V.Load(sum) + g).Store(sum);
        }
    }

    private readonly struct FourBody<T, TTaps>(T* sums, T* x, long xStride, T* gradient, long gradientStride, long channels) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            T* sum = sums + d;
            T* g = gradient + d;
            V g0 = V.Load(g);
            V g1 = V.Load(g + gradientStride);
            V g2 = V.Load(g + (2 * gradientStride));
            V g3 = V.Load(g + (3 * gradientStride));
            T* row = x + d;
            for (int k = 0; k < TTaps.Width; k++)
            {
                V tap = V.MultiplyAdd(g0, V.Load(row), V.Load(sum));
                tap = V.MultiplyAdd(g1, V.Load(row + xStride), tap);
                tap = V.MultiplyAdd(g2, V.Load(row + (2 * xStride)), tap);
                V.MultiplyAdd(g3, V.Load(row + (3 * xStride)), tap).Store(sum);
                row += xStride;
                sum += channels;
            }

            (V.Load(sum) + (g0 + g1 + (g2 + g3))).Store(sum);
        }
    }
}
