using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>What happens to the arcs of one row, for the channels from d on that fill one vector.</summary>
internal interface IRowBody<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    void At<V>(long v, long d)
        where V : unmanaged, IVector<V, T>;
}

/// <summary>Runs a body over all rows and channels. Channels do not meet, so the bits depend on neither width nor threads.</summary>
internal static class CsrSegmentKernel
{
    public static void ForRows<T, TBody>(CsrRows rows, long channels, KernelOptions options, TBody body)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, IRowBody<T> => ForRows<T, TBody>(rows, channels, channels, options, body);

    /// <summary>As the other; <paramref name="work"/> is what an arc costs in multiply-adds.</summary>
    public static void ForRows<T, TBody>(CsrRows rows, long work, long channels, KernelOptions options, TBody body)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, IRowBody<T>
    {
        var tasks = new CsrTasks(rows, work);
        KernelParallel.For(tasks.Count, options.Threads, task =>
        {
            long first = tasks.FirstRow(task), end = tasks.FirstRow(task + 1);
            switch (options.VectorBits)
            {
                case 128: Range<V128<T>, T, TBody>(body, channels, first, end); break;
                case 256: Range<V256<T>, T, TBody>(body, channels, first, end); break;
                default: Range<V512<T>, T, TBody>(body, channels, first, end); break;
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Range<V, T, TBody>(TBody body, long channels, long first, long end)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, IRowBody<T>
    {
        for (long v = first; v < end; v++)
        {
            Lanes.Cover<V, T, Row<T, TBody>>(new Row<T, TBody>(body, v), channels);
        }
    }

    private readonly struct Row<T, TBody>(TBody body, long v) : ILaneBody<T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TBody : struct, IRowBody<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void At<V>(long d)
            where V : unmanaged, IVector<V, T> => body.At<V>(v, d);
    }
}
