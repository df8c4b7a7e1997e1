using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>A row of <see cref="ChannelNorm.Forward"/>.</summary>
internal readonly unsafe struct ForwardRow<T>(T* x, T* scale, T* shift, T* mask, bool relu, T* y) : ILaneBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long d)
        where V : unmanaged, IVector<V, T>
    {
        V value = scale == null ? V.Load(x + d) : V.MultiplyAdd(V.Load(scale + d), V.Load(x + d), V.Load(shift + d));

        // What is no number goes through: it must reach the loss.
        value = relu ? V.MaxNative(V.Zero, value) : value;
        (mask == null ? value : value * V.Load(mask + d)).Store(y + d);
    }
}

/// <summary>A row of <see cref="ChannelNorm.Backward"/>.</summary>
internal readonly unsafe struct BackwardRow<T>(T* x, T* dy, T* scale, T* shift, T* mask, bool relu, T* g, T* sums, long channels) : ILaneBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long d)
        where V : unmanaged, IVector<V, T>
    {
        V input = V.Load(x + d), gradient = V.Load(dy + d);
        gradient = mask == null ? gradient : gradient * V.Load(mask + d);
        if (relu)
        {
            V value = scale == null ? input : V.MultiplyAdd(V.Load(scale + d), input, V.Load(shift + d));
            gradient = V.IfGreater(value, V.Zero, gradient, V.Zero);
        }

        gradient.Store(g + d);
        if (sums != null)
        {
            (V.Load(sums + d) + gradient).Store(sums + d);
            V.MultiplyAdd(gradient, input, V.Load(sums + channels + d)).Store(sums + channels + d);
        }
    }
}

/// <summary>A row of <see cref="ChannelNorm.Combine"/>.</summary>
internal readonly unsafe struct CombineRow<T>(T* x, T* factors, long channels, T* g) : ILaneBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long d)
        where V : unmanaged, IVector<V, T>
    {
        V rest = V.MultiplyAdd(V.Load(factors + channels + d), V.Load(x + d), V.Load(factors + (2 * channels) + d));
        V.MultiplyAdd(V.Load(factors + d), V.Load(g + d), rest).Store(g + d);
    }
}

/// <summary>Mean and centred squares of a block of rows.</summary>
internal readonly unsafe struct StatisticsBlock<T>(T* x, long first, long end, long channels, T* target) : ILaneBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At<V>(long d)
        where V : unmanaged, IVector<V, T>
    {
        V sum = V.Zero, squares = V.Zero;
        for (long r = first; r < end; r++)
        {
            sum += V.Load(x + (r * channels) + d);
        }

        V mean = sum / V.Broadcast(T.CreateTruncating(end - first));
        for (long r = first; r < end; r++)
        {
            V apart = V.Load(x + (r * channels) + d) - mean;
            squares = V.MultiplyAdd(apart, apart, squares);
        }

        mean.Store(target + d);
        squares.Store(target + channels + d);
    }
}
