using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>From vertices to arcs.</summary>
internal readonly unsafe struct Spread<T>(CsrRows rows, T* target, T* source, long channels, T* values) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        V own = target == null ? V.Zero : V.Load(target + (v * channels) + d);
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            V sum = source == null ? own : own + V.Load(source + (rows.Columns[e] * channels) + d);
            sum.Store(values + ((rows.Arcs == null ? e : rows.Arcs[e]) * channels) + d);
        }
    }
}

/// <summary>Sums of a row's arcs.</summary>
internal readonly unsafe struct SegmentSum<T>(CsrRows rows, T* values, long channels, T* y) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        V sum = V.Zero;
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            sum += V.Load(values + ((rows.Arcs == null ? e : rows.Arcs[e]) * channels) + d);
        }

        sum.Store(y + (v * channels) + d);
    }
}

/// <summary>Softmax over a row's arcs.</summary>
internal readonly unsafe struct SegmentSoftmax<T>(CsrRows rows, T* values, long channels, T* p) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        long first = rows.Offsets[v], end = rows.Offsets[v + 1];
        if (first == end)
        {
            return;
        }

        V most = V.Load(At(values, first, d));
        for (long e = first + 1; e < end; e++)
        {
            most = V.MaxNative(most, V.Load(At(values, e, d)));
        }

        V sum = V.Zero;
        for (long e = first; e < end; e++)
        {
            V weight = VectorMath.Exp<V, T>(V.Load(At(values, e, d)) - most);
            weight.Store(At(p, e, d));
            sum += weight;
        }

        for (long e = first; e < end; e++)
        {
            (V.Load(At(p, e, d)) / sum).Store(At(p, e, d));
        }
    }

    private T* At(T* array, long e, long d) => array + ((rows.Arcs == null ? e : rows.Arcs[e]) * channels) + d;
}

/// <summary>Gradient of <see cref="SegmentSoftmax{T}"/>.</summary>
internal readonly unsafe struct SegmentSoftmaxGradient<T>(CsrRows rows, T* p, T* dp, long channels, T* dvalues) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        long first = rows.Offsets[v], end = rows.Offsets[v + 1];
        V sum = V.Zero;
        for (long e = first; e < end; e++)
        {
            sum = V.MultiplyAdd(V.Load(At(p, e, d)), V.Load(At(dp, e, d)), sum);
        }

        for (long e = first; e < end; e++)
        {
            (V.Load(At(p, e, d)) * (V.Load(At(dp, e, d)) - sum)).Store(At(dvalues, e, d));
        }
    }

    private T* At(T* array, long e, long d) => array + ((rows.Arcs == null ? e : rows.Arcs[e]) * channels) + d;
}
