using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Moves one block of channels between memory and vectors; the lanes past the last channel are zero and never written. Optimized from the first
/// call, as all that runs once a row or a block: a program that scans ten times should not spend nine of them in unoptimized code.</summary>
internal static unsafe class ScanBlock<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The largest lane of <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Largest(V value)
    {
        T largest = ((T*)&value)[0];
        for (int lane = 1; lane < V.Count; lane++)
        {
            largest = T.Max(largest, ((T*)&value)[lane]);
        }

        return largest;
    }

    /// <summary>A block's part of [D, N] to the order of its vectors, times <paramref name="factor"/>; zero in lanes to spare.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(in ScanPlan plan, int states, T* source, int block, T* target, T factor)
    {
        source += (long)plan.FirstChannel(block) * states;
        if (!plan.StatesAsLanes)
        {
            Transpose(source, target, plan.ChannelsIn(block), states, factor);
            return;
        }

        for (int n = 0; n < plan.BlockElements; n++)
        {
            target[n] = n < states ? source[n] * factor : T.Zero;
        }
    }

    /// <summary>The vectors of a block to its part of [D, N].</summary>
    public static void Store(in ScanPlan plan, int states, T* source, int block, T* target)
    {
        target += (long)plan.FirstChannel(block) * states;
        if (plan.StatesAsLanes)
        {
            new Span<T>(source, states).CopyTo(new Span<T>(target, states));
        }
        else
        {
            TransposeBack(source, target, plan.ChannelsIn(block), states);
        }
    }

    /// <summary>[channels, N] to [N, lanes], times <paramref name="factor"/>; lanes without a channel become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(T* source, T* target, int channels, int states, T factor)
    {
        for (int n = 0; n < states; n++)
        {
            for (int lane = 0; lane < V.Count; lane++)
            {
                target[n * V.Count + lane] = lane < channels ? source[(long)lane * states + n] * factor : T.Zero;
            }
        }
    }

    /// <summary>[N, lanes] to [channels, N].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeBack(T* source, T* target, int channels, int states)
    {
        for (int lane = 0; lane < channels; lane++)
        {
            for (int n = 0; n < states; n++)
            {
                target[(long)lane * states + n] = source[n * V.Count + lane];
            }
        }
    }

    /// <summary>Copies rows of <paramref name="count"/> elements into rows of whole vectors at <paramref name="target"/>, zero past the elements, and
    /// returns these; <paramref name="step"/> becomes the distance between them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T* Widen(T* source, ref long step, int count, int steps, T* target)
    {
        int width = (count + V.Count - 1) / V.Count * V.Count;
        for (int t = 0; t < steps; t++)
        {
            for (int lane = 0; lane < width; lane++)
            {
                target[t * width + lane] = lane < count ? source[t * step + lane] : T.Zero;
            }
        }

        step = width;
        return target;
    }

    /// <summary>Copies one column of a sequence to neighbouring elements, zeros after it up to a whole vector, and returns these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T* Gather(T* source, long step, int steps, T* target)
    {
        for (int t = 0; t < (steps + V.Count - 1) / V.Count * V.Count; t++)
        {
            target[t] = t < steps ? source[t * step] : T.Zero;
        }

        return target;
    }

    /// <summary>The states of some blocks of one batch entry from [B, D, N], or zeros where there are none.</summary>
    public static void LoadStates(ScanPlan plan, SelectiveScanShape shape, T* source, long batch, int first, int end, T* states)
    {
        for (int block = first; block < end; block++, states += plan.BlockElements)
        {
            if (source == null)
            {
                new Span<T>(states, plan.BlockElements).Clear();
            }
            else
            {
                Load(plan, shape.States, source + batch * shape.Channels * shape.States, block, states, T.One);
            }
        }
    }

    /// <summary>Writes them to [B, D, N], unless nobody wants them.</summary>
    public static void StoreStates(ScanPlan plan, SelectiveScanShape shape, T* states, long batch, int first, int end, T* target)
    {
        for (int block = first; block < end && target != null; block++, states += plan.BlockElements)
        {
            Store(plan, shape.States, states, block, target + batch * shape.Channels * shape.States);
        }
    }

    /// <summary>Element t to all lanes of vector t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Spread(T* source, T* target, int steps)
    {
        for (int t = 0; t < steps; t++)
        {
            V.Broadcast(source[t]).Store(target + t * V.Count);
        }
    }

    /// <summary>Adds the lanes of vector t to element t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddLanes(T* source, T* target, int steps)
    {
        for (int t = 0; t < steps; t++)
        {
            target[t] += V.Sum(V.Load(source + t * V.Count));
        }
    }

    /// <summary>Copies the channels of whole vectors to rows in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(T* source, T* target, long step, int channels, int steps)
    {
        for (int t = 0; t < steps; t++)
        {
            for (int lane = 0; lane < channels; lane++)
            {
                target[t * step + lane] = source[t * V.Count + lane];
            }
        }
    }

    /// <summary>Copies neighbouring elements to one column of a sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(T* source, T* target, long step, int steps)
    {
        for (int t = 0; t < steps; t++)
        {
            target[t * step] = source[t];
        }
    }
}
