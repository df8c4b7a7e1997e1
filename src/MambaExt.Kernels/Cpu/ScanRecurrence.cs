using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>A switch that the JIT sees as a constant: each combination gets its own loop.</summary>
internal interface ISwitch
{
    static abstract bool On { get; }
}

/// <inheritdoc/>
internal readonly struct On : ISwitch
{
    static bool ISwitch.On => true;
}

/// <inheritdoc/>
internal readonly struct Off : ISwitch
{
    static bool ISwitch.On => false;
}

/// <summary>
/// The recurrence h_t = 2^(dt_t A') h_(t-1) + du_t B_t, y_t = sum_n C_t h_t over the steps of a chunk, for one block of channels and
/// two states at a time: their h and A' (A log2 e) stay in registers, channels are lanes.
/// <typeparamref name="TB"/>: B is per position (a scalar for all lanes), else constant (a vector for all steps); <typeparamref name="TC"/> the same for C;
/// <typeparamref name="TY"/>: y is wanted; <typeparamref name="TKeep"/>: states and decays are kept for the backward sweep.
/// </summary>
internal static unsafe class ScanRecurrence<V, T, TB, TC, TY, TKeep>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TB : ISwitch
    where TC : ISwitch
    where TY : ISwitch
    where TKeep : ISwitch
{
    /// <summary>
    /// The steps of a chunk for two neighbouring states, from zero wherever a sequence begins. With <typeparamref name="TKeep"/>, the state
    /// after step t goes to kept[t + 1] and the decay to decays[t], the second state's <paramref name="keepStep"/> elements further on.
    /// </summary>
    /// <param name="dt">[steps, lanes]</param>
    /// <param name="du">dt u, [steps, lanes]</param>
    /// <param name="y">[steps, lanes], added to</param>
    /// <param name="a">A', [2, lanes]</param>
    /// <param name="h">State in and out, [2, lanes]</param>
    /// <param name="b">B of step 0 (two scalars), or [2, lanes]</param>
    /// <param name="bStep">Elements between two steps of a per-position B</param>
    /// <param name="c">As b</param>
    /// <param name="cStep">As bStep</param>
    /// <param name="starts">Steps at which sequences begin, ascending; the first is the first step</param>
    /// <param name="sequences">How many</param>
    /// <param name="steps">One past the last step</param>
    /// <param name="continues">The first sequence goes on from h</param>
    /// <param name="kept">[2, steps + 1, lanes]</param>
    /// <param name="decays">[2, steps + 1, lanes]</param>
    /// <param name="keepStep">Elements from the first state's part of kept and decays to the second's</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pair(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int* starts, int sequences, int steps, bool continues, T* kept, T* decays, int keepStep)
    {
        V a0 = V.Load(a), a1 = V.Load(a + V.Count);
        V h0 = continues ? V.Load(h) : V.Zero, h1 = continues ? V.Load(h + V.Count) : V.Zero;
        V b0 = default, b1 = default, c0 = default, c1 = default;
        if (!TB.On)
        {
            b0 = V.Load(b);
            b1 = V.Load(b + V.Count);
        }

        if (TY.On && !TC.On)
        {
            c0 = V.Load(c);
            c1 = V.Load(c + V.Count);
        }

        T* bt = b + starts[0] * bStep;
        T* ct = c + starts[0] * cStep;
        for (int k = 0, t = starts[0]; k < sequences; k++)
        {
            if (k > 0)
            {
                h0 = V.Zero;
                h1 = V.Zero;
            }

            for (int end = k + 1 < sequences ? starts[k + 1] : steps; t < end; t++)
            {
                V step = V.Load(dt + t * V.Count);
                V input = V.Load(du + t * V.Count);
                V e0 = VectorMath.Exp2<V, T>(step * a0);
                V e1 = VectorMath.Exp2<V, T>(step * a1);
                if (TB.On)
                {
                    b0 = V.Broadcast(bt[0]);
                    b1 = V.Broadcast(bt[1]);
                    bt += bStep;
                }

                h0 = V.MultiplyAdd(e0, h0, input * b0);
                h1 = V.MultiplyAdd(e1, h1, input * b1);
                if (TKeep.On)
                {
                    h0.Store(kept + (t + 1) * V.Count);
                    h1.Store(kept + keepStep + (t + 1) * V.Count);
                    e0.Store(decays + t * V.Count);
                    e1.Store(decays + keepStep + t * V.Count);
                }

                if (TY.On)
                {
                    if (TC.On)
                    {
                        c0 = V.Broadcast(ct[0]);
                        c1 = V.Broadcast(ct[1]);
                        ct += cStep;
                    }

                    V.MultiplyAdd(h1, c1, V.MultiplyAdd(h0, c0, V.Load(y + t * V.Count))).Store(y + t * V.Count);
                }
            }
        }

        h0.Store(h);
        h1.Store(h + V.Count);
    }

    /// <summary>One state, as <see cref="Pair"/>: the last of an odd N.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Single(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int* starts, int sequences, int steps, bool continues, T* kept, T* decays)
    {
        V a0 = V.Load(a);
        V h0 = continues ? V.Load(h) : V.Zero;
        V b0 = TB.On ? default : V.Load(b);
        V c0 = TC.On || !TY.On ? default : V.Load(c);
        T* bt = b + starts[0] * bStep;
        T* ct = c + starts[0] * cStep;
        for (int k = 0, t = starts[0]; k < sequences; k++)
        {
            if (k > 0)
            {
                h0 = V.Zero;
            }

            for (int end = k + 1 < sequences ? starts[k + 1] : steps; t < end; t++)
            {
                V e0 = VectorMath.Exp2<V, T>(V.Load(dt + t * V.Count) * a0);
                if (TB.On)
                {
                    b0 = V.Broadcast(*bt);
                    bt += bStep;
                }

                h0 = V.MultiplyAdd(e0, h0, V.Load(du + t * V.Count) * b0);
                if (TKeep.On)
                {
                    h0.Store(kept + (t + 1) * V.Count);
                    e0.Store(decays + t * V.Count);
                }

                if (TY.On)
                {
                    if (TC.On)
                    {
                        c0 = V.Broadcast(*ct);
                        ct += cStep;
                    }

                    V.MultiplyAdd(h0, c0, V.Load(y + t * V.Count)).Store(y + t * V.Count);
                }
            }
        }

        h0.Store(h);
    }
}
