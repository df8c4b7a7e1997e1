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
/// one state n: its h and A' (A log2 e) stay in registers, channels are lanes.
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
    /// The steps of a chunk for one state, from zero wherever a sequence begins. With <typeparamref name="TKeep"/>, the state after
    /// step t goes to kept[t + 1] and the decay to decays[t].
    /// </summary>
    /// <param name="dt">[steps, lanes]</param>
    /// <param name="du">dt u, [steps, lanes]</param>
    /// <param name="y">[steps, lanes], added to</param>
    /// <param name="a">A', [lanes]</param>
    /// <param name="h">State in and out, [lanes]</param>
    /// <param name="b">B of step 0 (a scalar), or [lanes]</param>
    /// <param name="bStep">Elements between two steps of a per-position B</param>
    /// <param name="c">As b</param>
    /// <param name="cStep">As bStep</param>
    /// <param name="starts">Steps at which sequences begin, ascending; the first is the first step</param>
    /// <param name="sequences">How many</param>
    /// <param name="steps">One past the last step</param>
    /// <param name="continues">The first sequence goes on from h</param>
    /// <param name="kept">[steps + 1, lanes]</param>
    /// <param name="decays">[steps, lanes]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int* starts, int sequences, int steps, bool continues, T* kept, T* decays)
    {
        // One state at a time leaves registers for the constants of the exponential.
        T* k = (T*)Exp2Constants.Table;
        V low = V.Load(k), magic = V.Load(k + 2 * Exp2Constants.Stride);
        V k0 = V.Load(k + 4 * Exp2Constants.Stride), k1 = V.Load(k + 5 * Exp2Constants.Stride), k2 = V.Load(k + 6 * Exp2Constants.Stride);
        V k3 = V.Load(k + 7 * Exp2Constants.Stride), k4 = V.Load(k + 8 * Exp2Constants.Stride);
        V decay = V.Load(a), state = continues ? V.Load(h) : V.Zero;
        V fixedB = TB.On ? default : V.Load(b), fixedC = TC.On || !TY.On ? default : V.Load(c);
        nint at = starts[0] * V.Count;
        b += starts[0] * bStep;
        c += starts[0] * cStep;
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            if (sequence > 0)
            {
                state = V.Zero;
            }

            nint end = (sequence + 1 < sequences ? starts[sequence + 1] : steps) * V.Count;
            for (; at < end; at += V.Count)
            {
                V e;
                if (typeof(T) == typeof(float))
                {
                    V x = V.MinNative(V.Load(k + Exp2Constants.Stride), V.MaxNative(low, V.Load(dt + at) * decay));
                    V shifted = x + magic;
                    V f = x - (shifted - magic);
                    V q = V.MultiplyAdd(V.MultiplyAdd(V.MultiplyAdd(V.MultiplyAdd(k0, f, k1), f, k2), f, k3), f, k4);
                    e = V.AddToExponent(V.MultiplyAdd(q, f, V.Load(k + 3 * Exp2Constants.Stride)), shifted);
                }
                else
                {
                    e = VectorMath.Exp2<V, T>(V.Load(dt + at) * decay);
                }

                V input = V.Load(du + at) * (TB.On ? V.Broadcast(*b) : fixedB);
                state = V.MultiplyAdd(e, state, input);
                if (TKeep.On)
                {
                    state.Store(kept + at + V.Count);
                    e.Store(decays + at);
                }

                if (TY.On)
                {
                    V.MultiplyAdd(state, TC.On ? V.Broadcast(*c) : fixedC, V.Load(y + at)).Store(y + at);
                    c += cStep;
                }

                b += bStep;
            }
        }

        state.Store(h);
    }
}
