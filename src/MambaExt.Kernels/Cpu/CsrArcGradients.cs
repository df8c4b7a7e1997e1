using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Gradients of what multiplies an arc: each arc has its own, so nothing is summed but channels.</summary>
internal static unsafe class CsrArcGradients
{
    public static void Weights<T>(CsrRows rows, T* x, T* dy, long channels, T* dweights, KernelOptions options, long heads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var tasks = new CsrTasks(rows, channels);
        KernelParallel.For(tasks.Count, options.Threads, task =>
        {
            for (long v = tasks.FirstRow(task), end = tasks.FirstRow(task + 1); v < end; v++)
            {
                switch (options.VectorBits)
                {
                    case 128: RowWeights<V128<T>, T>(rows, x, dy, channels, dweights, v, heads); break;
                    case 256: RowWeights<V256<T>, T>(rows, x, dy, channels, dweights, v, heads); break;
                    default: RowWeights<V512<T>, T>(rows, x, dy, channels, dweights, v, heads); break;
                }
            }
        });
    }

    public static void Gates<T>(CsrRows rows, T* x, T* dy, long channels, T* dgates, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var tasks = new CsrTasks(rows, channels);
        KernelParallel.For(tasks.Count, options.Threads, task =>
        {
            for (long v = tasks.FirstRow(task), end = tasks.FirstRow(task + 1); v < end; v++)
            {
                switch (options.VectorBits)
                {
                    case 128: RowGates<V128<T>, T>(rows, x, dy, channels, dgates, v); break;
                    case 256: RowGates<V256<T>, T>(rows, x, dy, channels, dgates, v); break;
                    default: RowGates<V512<T>, T>(rows, x, dy, channels, dgates, v); break;
                }
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowWeights<V, T>(in CsrRows rows, T* x, T* dy, long channels, T* dweights, long v, long heads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* gradient = dy + (v * channels);
        long last = rows.ArcCount - 1, width = channels / heads;
        int rowBytes = (int)Math.Min(channels * sizeof(T), 4096);
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            T* row = x + (rows.Columns[e] * channels);
            Prefetch.Bytes(x + (rows.Columns[Math.Min(e + CsrPrefetch.Ahead, last)] * channels), rowBytes);
            T* target = dweights + ((rows.Arcs == null ? e : rows.Arcs[e]) * heads);
            for (long head = 0, c = 0; head < heads; head++)
            {
                V even = V.Zero, odd = V.Zero;
                long end = c + width;
                for (; c + (2 * V.Count) <= end; c += 2 * V.Count)
                {
                    even = V.MultiplyAdd(V.Load(gradient + c), V.Load(row + c), even);
                    odd = V.MultiplyAdd(V.Load(gradient + c + V.Count), V.Load(row + c + V.Count), odd);
                }

                if (heads > 1 && c + V.Count <= end)
                {
                    even = V.MultiplyAdd(V.Load(gradient + c), V.Load(row + c), even);
                    c += V.Count;
                }

                T sum = V.Sum(even + odd);
                for (; c < end; c++)
                {
                    sum += gradient[c] * row[c];
                }

                target[head] = sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowGates<V, T>(in CsrRows rows, T* x, T* dy, long channels, T* dgates, long v)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* gradient = dy + (v * channels);
        long last = rows.ArcCount - 1;
        int rowBytes = (int)Math.Min(channels * sizeof(T), 4096);
        for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
        {
            T* row = x + (rows.Columns[e] * channels);
            Prefetch.Bytes(x + (rows.Columns[Math.Min(e + CsrPrefetch.Ahead, last)] * channels), rowBytes);
            T* target = dgates + ((rows.Arcs == null ? e : rows.Arcs[e]) * channels);
            long c = 0;
            for (; c + V.Count <= channels; c += V.Count)
            {
                (V.Load(gradient + c) * V.Load(row + c)).Store(target + c);
            }

            for (; c < channels; c++)
            {
                target[c] = gradient[c] * row[c];
            }
        }
    }
}
