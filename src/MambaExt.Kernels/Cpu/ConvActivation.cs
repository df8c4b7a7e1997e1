using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>SiLU over a row that is still in the first cache, as a pass of its own: more of the exponentials' long chains are then
/// under way at once. Never in place: a processor that takes the next load for a read of the last store runs them one after another
/// (measured: three times slower).</summary>
internal static unsafe class ConvActivation
{
    /// <summary>target = row sigmoid(row).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Silu<V, T>(T* row, T* target, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> => Lanes.Cover<V, T, SiluBody<T>>(new(row, target), channels);

    /// <summary>gradient = dout silu'(row).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SiluGradient<V, T>(T* row, T* dout, T* gradient, long channels)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T> => Lanes.Cover<V, T, GradientBody<T>>(new(row, dout, gradient), channels);

    private readonly struct SiluBody<T>(T* row, T* target) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            V value = V.Load(row + d);
            (value * VectorMath.Sigmoid<V, T>(value)).Store(target + d);
        }
    }

    private readonly struct GradientBody<T>(T* row, T* dout, T* gradient) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T>
        {
            V value = V.Load(row + d);
            V one = V.Broadcast(T.One);
            V sigmoid = VectorMath.Sigmoid<V, T>(value);
            (V.Load(dout + d) * sigmoid * V.MultiplyAdd(value, one - sigmoid, one)).Store(gradient + d);
        }
    }
}
