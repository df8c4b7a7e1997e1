using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>Forward of <see cref="CsrGatedMean"/>.</summary>
internal readonly unsafe struct GatedMean<T>(CsrRows rows, T* target, T* source, T* x, long channels, T* y, T* divisor) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        V own = V.Load(target + (v * channels) + d), sum = V.Zero, gates = V.Broadcast(T.CreateTruncating(CsrGatedMean.Epsilon));
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            long from = (rows.Columns[e] * channels) + d;
            V gate = VectorMath.Sigmoid<V, T>(own + V.Load(source + from));
            sum = V.MultiplyAdd(gate, V.Load(x + from), sum);
            gates += gate;
        }

        (sum / gates).Store(y + (v * channels) + d);
        gates.Store(divisor + (v * channels) + d);
    }
}

/// <summary>dtarget[v] = sum over the arcs of v of the gates' gradients, share (x[j] - y[v]) g (1 - g).</summary>
internal readonly unsafe struct GatedMeanTarget<T>(CsrRows rows, T* target, T* source, T* x, T* y, T* share, long channels, T* dtarget) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        long at = (v * channels) + d;
        V own = V.Load(target + at), mean = V.Load(y + at), one = V.Broadcast(T.One), sum = V.Zero;
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            long from = (rows.Columns[e] * channels) + d;
            V gate = VectorMath.Sigmoid<V, T>(own + V.Load(source + from));
            sum = V.MultiplyAdd((V.Load(x + from) - mean) * gate, one - gate, sum);
        }

        (sum * V.Load(share + at)).Store(dtarget + at);
    }
}

/// <summary>dsource[j], the same gradients summed over the arcs that point at j, and dx[j] = sum of share[v] g.</summary>
internal readonly unsafe struct GatedMeanSource<T>(CsrRows rows, T* target, T* source, T* x, T* y, T* share, long channels, T* dsource, T* dx) : IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>
    {
        long at = (v * channels) + d;
        V own = V.Load(source + at), value = V.Load(x + at), one = V.Broadcast(T.One), gates = V.Zero, values = V.Zero;
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            long to = (rows.Columns[e] * channels) + d;
            V gate = VectorMath.Sigmoid<V, T>(own + V.Load(target + to));
            V arriving = V.Load(share + to) * gate;
            values += arriving;
            gates = V.MultiplyAdd(arriving * (one - gate), value - V.Load(y + to), gates);
        }

        gates.Store(dsource + at);
        values.Store(dx + at);
    }
}
