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
/// one state n: its h and A' (A log2 e) stay in registers, channels are lanes. (Or for one channel and a vector of its states.)
/// <typeparamref name="TB"/>: B is a scalar for all lanes, else a vector; either moves on with the step, and a constant B has a step of 0; <typeparamref name="TC"/> the same for C;
/// <typeparamref name="TY"/>: y is wanted; <typeparamref name="TKeep"/>: states and decays are kept for the backward sweep;
/// <typeparamref name="TBounded"/>: |dt A'| is known to stay below the limit of <see cref="BoundedExp2{V, T}"/>, so nothing is clamped.
/// </summary>
internal static unsafe class ScanRecurrence<V, T, TB, TC, TY, TKeep, TBounded>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TB : ISwitch
    where TC : ISwitch
    where TY : ISwitch
    where TKeep : ISwitch
    where TBounded : ISwitch
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
    /// <param name="bStep">Elements between two steps of B, 0 if it is constant</param>
    /// <param name="c">As b</param>
    /// <param name="cStep">As bStep</param>
    /// <param name="starts">Steps at which sequences begin, ascending; the first is the first step</param>
    /// <param name="sequences">How many</param>
    /// <param name="steps">One past the last step</param>
    /// <param name="continues">The first sequence goes on from h</param>
    /// <param name="kept">[steps + 1, lanes]</param>
    /// <param name="decays">[steps, lanes]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int* starts, int sequences, int steps, bool continues, T* kept, T* decays)
    {
        V decay = V.Load(a), state = continues ? V.Load(h) : V.Zero;
        V magic = BoundedExp2<V, T>.Constant(0), one = BoundedExp2<V, T>.Constant(1), q0 = BoundedExp2<V, T>.Constant(2), q1 = BoundedExp2<V, T>.Constant(3);
        V q2 = BoundedExp2<V, T>.Constant(4), q3 = BoundedExp2<V, T>.Constant(5), q4 = BoundedExp2<V, T>.Constant(6);
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
                V e = Decay(V.Load(dt + at) * decay, magic, one, q0, q1, q2, q3, q4);
                state = V.MultiplyAdd(e, state, V.Load(du + at) * B(b, 0));
                if (TKeep.On)
                {
                    state.Store(kept + at + V.Count);
                    e.Store(decays + at);
                }

                if (TY.On)
                {
                    V.MultiplyAdd(state, C(c, 0), V.Load(y + at)).Store(y + at);
                    c += cStep;
                }

                b += bStep;
            }
        }

        state.Store(h);
    }

    /// <summary>Four neighbouring states, as <see cref="One"/> without keeping: dt, dt u and y are read once for all of them. Written out,
    /// because the JIT keeps separate variables in registers and an array in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(T* dt, T* du, T* y, T* a, T* h, T* b, long bStep, T* c, long cStep, int* starts, int sequences, int steps, bool continues)
    {
        V h0 = V.Zero, h1 = V.Zero, h2 = V.Zero, h3 = V.Zero;
        if (continues)
        {
            h0 = V.Load(h);
            h1 = V.Load(h + V.Count);
            h2 = V.Load(h + 2 * V.Count);
            h3 = V.Load(h + 3 * V.Count);
        }

        V magic = BoundedExp2<V, T>.Constant(0), one = BoundedExp2<V, T>.Constant(1), q0 = BoundedExp2<V, T>.Constant(2), q1 = BoundedExp2<V, T>.Constant(3);
        V q2 = BoundedExp2<V, T>.Constant(4), q3 = BoundedExp2<V, T>.Constant(5), q4 = BoundedExp2<V, T>.Constant(6);
        nint at = starts[0] * V.Count;
        b += starts[0] * bStep;
        c += starts[0] * cStep;
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            if (sequence > 0)
            {
                h0 = V.Zero;
                h1 = V.Zero;
                h2 = V.Zero;
                h3 = V.Zero;
            }

            nint end = (sequence + 1 < sequences ? starts[sequence + 1] : steps) * V.Count;
            for (; at < end; at += V.Count)
            {
                V step = V.Load(dt + at), input = V.Load(du + at);
                h0 = V.MultiplyAdd(Decay(step * V.Load(a), magic, one, q0, q1, q2, q3, q4), h0, input * B(b, 0));
                h1 = V.MultiplyAdd(Decay(step * V.Load(a + V.Count), magic, one, q0, q1, q2, q3, q4), h1, input * B(b, 1));
                h2 = V.MultiplyAdd(Decay(step * V.Load(a + 2 * V.Count), magic, one, q0, q1, q2, q3, q4), h2, input * B(b, 2));
                h3 = V.MultiplyAdd(Decay(step * V.Load(a + 3 * V.Count), magic, one, q0, q1, q2, q3, q4), h3, input * B(b, 3));
                if (TY.On)
                {
                    V sum = V.MultiplyAdd(h1, C(c, 1), V.MultiplyAdd(h0, C(c, 0), V.Load(y + at)));
                    V.MultiplyAdd(h3, C(c, 3), V.MultiplyAdd(h2, C(c, 2), sum)).Store(y + at);
                    c += cStep;
                }

                b += bStep;
            }
        }

        h0.Store(h);
        h1.Store(h + V.Count);
        h2.Store(h + 2 * V.Count);
        h3.Store(h + 3 * V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Decay(V x, V magic, V one, V q0, V q1, V q2, V q3, V q4) =>
        BoundedExp2<V, T>.Of(TBounded.On ? x : BoundedExp2<V, T>.Clamp(x), magic, one, q0, q1, q2, q3, q4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V B(T* b, int n) => TB.On ? V.Broadcast(b[n]) : V.Load(b + n * V.Count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V C(T* c, int n) => TC.On ? V.Broadcast(c[n]) : V.Load(c + n * V.Count);
}
