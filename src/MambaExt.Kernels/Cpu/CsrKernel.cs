using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// y[v] = sum of factor[e] x[Columns[e]]. Up to eight vectors of channels are summed in registers over all arcs of a row, wider rows
/// block by block, and the rows of later arcs are prefetched.
/// </summary>
internal static unsafe class CsrKernel
{
    /// <param name="rows">The arcs</param>
    /// <param name="x">[columns, C]</param>
    /// <param name="channels">C</param>
    /// <param name="factors">[E, heads] or [E, C]</param>
    /// <param name="y">[V, C]</param>
    /// <param name="options">Threads and width</param>
    /// <param name="heads">Weights an arc; each is for C / heads neighbouring channels</param>
    public static void Sum<T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, T* y, KernelOptions options, long heads = 1)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        if (rows.Arcs != null && (TArcs.Weighted || TArcs.Gated))
        {
            AllRanges<T, ScatteredArcs<TArcs>>(rows, x, channels, factors, y, options, heads);
        }
        else
        {
            AllRanges<T, TArcs>(rows, x, channels, factors, y, options, heads);
        }
    }

    private static void AllRanges<T, TArcs>(CsrRows rows, T* x, long channels, T* factors, T* y, KernelOptions options, long heads)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        var tasks = new CsrTasks(rows, channels);
        KernelParallel.For(tasks.Count, options.Threads, task =>
        {
            long first = tasks.FirstRow(task), end = tasks.FirstRow(task + 1);
            switch (options.VectorBits)
            {
                case 128: Range<V128<T>, T, TArcs>(rows, x, channels, factors, y, first, end, heads); break;
                case 256: Range<V256<T>, T, TArcs>(rows, x, channels, factors, y, first, end, heads); break;
                default: Range<V512<T>, T, TArcs>(rows, x, channels, factors, y, first, end, heads); break;
            }
        });
    }

    private static void Range<V, T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, T* y, long first, long end, long heads)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        long width = channels / heads, stride = TArcs.Gated ? channels : heads;
        for (long v = first; v < end; v++)
        {
            for (long head = 0; head < heads; head++)
            {
                Channels<V, T, TArcs>(rows, x, channels, factors + (TArcs.Weighted ? head : 0), stride, y, v, head * width, (head + 1) * width);
            }
        }
    }

    private static void Channels<V, T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, long stride, T* y, long v, long c, long end)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        for (; c + (8 * V.Count) <= end; c += 8 * V.Count)
        {
            Eight<V, T, TArcs>(rows, x, channels, factors, stride, y, v, c);
        }

        for (; c + (2 * V.Count) <= end; c += 2 * V.Count)
        {
            Two<V, T, TArcs>(rows, x, channels, factors, stride, y, v, c);
        }

        for (; c + V.Count <= end; c += V.Count)
        {
            One<V, T, TArcs>(rows, x, channels, factors, stride, y, v, c);
        }

        for (; V.Count > V128<T>.Count && c + V128<T>.Count <= end; c += V128<T>.Count)
        {
            One<V128<T>, T, TArcs>(rows, x, channels, factors, stride, y, v, c);
        }

        for (; c < end; c++)
        {
            One<V1<T>, T, TArcs>(rows, x, channels, factors, stride, y, v, c);
        }
    }

    // Optimized at once and without a profile: a profile that calls part of the loop rare leaves a call there, around which all
    // eight sums go through memory, at half the speed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight<V, T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, long stride, T* y, long v, long c)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero, a4 = V.Zero, a5 = V.Zero, a6 = V.Zero, a7 = V.Zero;
        int* columns = rows.Columns;
        long* arcs = rows.Arcs;
        long last = rows.ArcCount - 1, end = rows.Offsets[v + 1];
        T* from = x + c;
        for (long e = rows.Offsets[v]; e < end; e++)
        {
            long ahead = Math.Min(e + CsrPrefetch.Ahead, last);
            CsrPrefetch.Block(from + (columns[ahead] * channels), 8 * V.Count * sizeof(T));
            if (TArcs.Scattered)
            {
                CsrPrefetch.Block(Factor<T, TArcs>(factors, arcs[ahead], stride, c), TArcs.Gated ? 8 * V.Count * sizeof(T) : 1);
            }

            T* row = from + (columns[e] * channels);
            T* factor = Factor<T, TArcs>(factors, TArcs.Scattered ? arcs[e] : e, stride, c);
            V weight = TArcs.Weighted ? V.Broadcast(*factor) : V.Zero;
            a0 = Add<V, T, TArcs>(a0, row, weight, factor);
            a1 = Add<V, T, TArcs>(a1, row + V.Count, weight, factor + V.Count);
            a2 = Add<V, T, TArcs>(a2, row + (2 * V.Count), weight, factor + (2 * V.Count));
            a3 = Add<V, T, TArcs>(a3, row + (3 * V.Count), weight, factor + (3 * V.Count));
            a4 = Add<V, T, TArcs>(a4, row + (4 * V.Count), weight, factor + (4 * V.Count));
            a5 = Add<V, T, TArcs>(a5, row + (5 * V.Count), weight, factor + (5 * V.Count));
            a6 = Add<V, T, TArcs>(a6, row + (6 * V.Count), weight, factor + (6 * V.Count));
            a7 = Add<V, T, TArcs>(a7, row + (7 * V.Count), weight, factor + (7 * V.Count));
        }

        T* target = y + (v * channels) + c;
        a0.Store(target);
        a1.Store(target + V.Count);
        a2.Store(target + (2 * V.Count));
        a3.Store(target + (3 * V.Count));
        a4.Store(target + (4 * V.Count));
        a5.Store(target + (5 * V.Count));
        a6.Store(target + (6 * V.Count));
        a7.Store(target + (7 * V.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two<V, T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, long stride, T* y, long v, long c)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        V a0 = V.Zero, a1 = V.Zero;
        int* columns = rows.Columns;
        long* arcs = rows.Arcs;
        long last = rows.ArcCount - 1, end = rows.Offsets[v + 1];
        T* from = x + c;
        for (long e = rows.Offsets[v]; e < end; e++)
        {
            long ahead = Math.Min(e + CsrPrefetch.Ahead, last);
            CsrPrefetch.Block(from + (columns[ahead] * channels), 2 * V.Count * sizeof(T));
            T* row = from + (columns[e] * channels);
            T* factor = Factor<T, TArcs>(factors, TArcs.Scattered ? arcs[e] : e, stride, c);
            V weight = TArcs.Weighted ? V.Broadcast(*factor) : V.Zero;
            a0 = Add<V, T, TArcs>(a0, row, weight, factor);
            a1 = Add<V, T, TArcs>(a1, row + V.Count, weight, factor + V.Count);
        }

        T* target = y + (v * channels) + c;
        a0.Store(target);
        a1.Store(target + V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<V, T, TArcs>(in CsrRows rows, T* x, long channels, T* factors, long stride, T* y, long v, long c)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TArcs : struct, IArcs
    {
        V sum = V.Zero;
        int* columns = rows.Columns;
        long* arcs = rows.Arcs;
        long end = rows.Offsets[v + 1];
        T* from = x + c;
        for (long e = rows.Offsets[v]; e < end; e++)
        {
            T* factor = Factor<T, TArcs>(factors, TArcs.Scattered ? arcs[e] : e, stride, c);
            V weight = TArcs.Weighted ? V.Broadcast(*factor) : V.Zero;
            sum = Add<V, T, TArcs>(sum, from + (columns[e] * channels), weight, factor);
        }

        sum.Store(y + (v * channels) + c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T* Factor<T, TArcs>(T* factors, long arc, long stride, long c)
        where T : unmanaged
        where TArcs : struct, IArcs =>
        TArcs.Gated ? factors + (arc * stride) + c : TArcs.Weighted ? factors + (arc * stride) : null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Add<V, T, TArcs>(V sum, T* row, V weight, T* factor)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged
        where TArcs : struct, IArcs =>
        TArcs.Gated ? V.MultiplyAdd(V.Load(factor), V.Load(row), sum)
        : TArcs.Weighted ? V.MultiplyAdd(weight, V.Load(row), sum)
        : sum + V.Load(row);
}
