using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// target = extra + sum_k taps[k] x[k] over the channels of one step, or of four at once: step i of four reads the rows i ... i+W-1,
/// so that each row and each tap is loaded once. Both add in the same order, to the same bits.
/// </summary>
internal static unsafe class ConvSums
{
    /// <summary>Steps of <see cref="Four{V, T, TTaps}"/>.</summary>
    public const int Steps = 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One<V, T, TTaps>(T* taps, long tapStride, T* extra, in TapRows<T> x, T* target, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps => Lanes.Cover<V, T, OneBody<T, TTaps>>(new(taps, tapStride, extra, x, target), channels);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four<V, T, TTaps>(
        T* taps, long tapStride, T* extra, T* x, long xStride, T* target, long targetStride, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps => Lanes.Cover<V, T, FourBody<T, TTaps>>(new(taps, tapStride, extra, x, xStride, target, targetStride), channels);

    private readonly struct OneBody<T, TTaps>(T* taps, long tapStride, T* extra, TapRows<T> x, T* target) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            V sum = V.MultiplyAdd(V.Load(taps + d), V.Load(x.Row0 + d), V.Load(extra + d));
            sum = V.MultiplyAdd(V.Load(taps + tapStride + d), V.Load(x.Row1 + d), sum);
            sum = TTaps.Width > 2 ? V.MultiplyAdd(V.Load(taps + (2 * tapStride) + d), V.Load(x.Row2 + d), sum) : sum;
            sum = TTaps.Width > 3 ? V.MultiplyAdd(V.Load(taps + (3 * tapStride) + d), V.Load(x.Row3 + d), sum) : sum;
            sum.Store(target + d);
        }
    }

    private readonly struct FourBody<T, TTaps>(T* taps, long tapStride, T* extra, T* x, long xStride, T* target, long targetStride) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TTaps : struct, ITaps
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            V tap0 = V.Load(taps + d);
            V tap1 = V.Load(taps + tapStride + d);
            V tap2 = TTaps.Width > 2 ? V.Load(taps + (2 * tapStride) + d) : V.Zero;
            V tap3 = TTaps.Width > 3 ? V.Load(taps + (3 * tapStride) + d) : V.Zero;
            V start = V.Load(extra + d);
            T* row = x + d;
            T* output = target + d;
            V x0 = V.Load(row);
            V x1 = V.Load(row + xStride);
            V x2 = TTaps.Width > 2 ? V.Load(row + (2 * xStride)) : V.Zero;
            row += (TTaps.Width - 1) * xStride;
            for (int i = 0; i < Steps; i++)
            {
                V newest = V.Load(row);
                V sum = V.MultiplyAdd(tap0, x0, start);
                sum = V.MultiplyAdd(tap1, TTaps.Width > 2 ? x1 : newest, sum);
                sum = TTaps.Width > 2 ? V.MultiplyAdd(tap2, TTaps.Width > 3 ? x2 : newest, sum) : sum;
                sum = TTaps.Width > 3 ? V.MultiplyAdd(tap3, newest, sum) : sum;
                sum.Store(output);
                x0 = TTaps.Width > 2 ? x1 : newest;
                x1 = TTaps.Width > 3 ? x2 : newest;
                x2 = newest;
                row += xStride;
                output += targetStride;
            }
        }
    }
}
