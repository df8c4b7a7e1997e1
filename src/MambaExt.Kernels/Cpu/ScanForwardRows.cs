using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Where a strip of blocks is prepared for the recurrence: sequences are [blocks, chunk, lanes], parameters [blocks, lanes].</summary>
internal unsafe struct ForwardStrip<T>
    where T : unmanaged
{
    /// <summary>dt, after softplus.</summary>
    public T* Steps;

    /// <summary>dt u.</summary>
    public T* Inputs;

    /// <summary>y, D u to begin with.</summary>
    public T* Y;

    /// <summary>Largest |dt| of the chunk.</summary>
    public T* Largest;
}

/// <summary>
/// What the forward scan does to each element once, before and after the recurrence. The rows of a strip are read in the order of
/// memory: a column at a time would touch a page a step, and rows of a power of two would fight for the same few sets of the cache.
/// Nothing in these loops is a call, so that all stays in registers.
/// </summary>
internal static unsafe class ScanForwardRows<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>dt = softplus(delta + bias), dt u, y = D u, over rows of whole vectors.</summary>
    /// <param name="u">u of step 0</param>
    /// <param name="uStep">Elements between two steps</param>
    /// <param name="delta">As u</param>
    /// <param name="deltaStep">As uStep</param>
    /// <param name="bias">[blocks, lanes]</param>
    /// <param name="skip">[blocks, lanes]</param>
    /// <param name="strip">Written to</param>
    /// <param name="steps">Rows</param>
    /// <param name="blocks">Vectors in a row</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Discretize<TSoftplus>(T* u, long uStep, T* delta, long deltaStep, T* bias, T* skip, in ForwardStrip<T> strip, int steps, int blocks)
        where TSoftplus : ISwitch
    {
        T* dt = strip.Steps, du = strip.Inputs, y = strip.Y, largest = strip.Largest;
        nint row = blocks * V.Count;
        for (nint at = 0; at < row; at += V.Count)
        {
            V.Zero.Store(largest + at);
        }

        for (int t = 0; t < steps; t++, u += uStep, delta += deltaStep)
        {
            nint to = t * V.Count;
            for (nint at = 0; at < row; at += V.Count, to += ScanPlan.Chunk * V.Count)
            {
                V input = V.Load(u + at), step = V.Load(delta + at) + V.Load(bias + at);
                if (TSoftplus.On)
                {
                    step = VectorMath.Softplus<V, T>(step);
                }

                step.Store(dt + to);
                (step * input).Store(du + to);
                (V.Load(skip + at) * input).Store(y + to);
                V.MaxNative(V.Load(largest + at), V.Abs(step)).Store(largest + at);
            }
        }
    }

    /// <summary>out = y silu(z) over rows of whole vectors; out = y where <paramref name="z"/> is null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate(T* y, T* z, long zStep, T* result, long resultStep, int steps, int blocks)
    {
        nint row = blocks * V.Count;
        for (int t = 0; t < steps; t++, z += zStep, result += resultStep)
        {
            nint from = t * V.Count;
            if (z == null)
            {
                for (nint at = 0; at < row; at += V.Count, from += ScanPlan.Chunk * V.Count)
                {
                    V.Load(y + from).Store(result + at);
                }

                continue;
            }

            for (nint at = 0; at < row; at += V.Count, from += ScanPlan.Chunk * V.Count)
            {
                V gate = V.Load(z + at);
                (V.Load(y + from) * gate * VectorMath.Sigmoid<V, T>(gate)).Store(result + at);
            }
        }
    }
}
