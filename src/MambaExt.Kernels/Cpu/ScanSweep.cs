using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>What the backward sweep of one block of channels reads and adds to. Sequences are [steps, lanes].</summary>
internal unsafe struct SweepBuffers<T>
    where T : unmanaged
{
    /// <summary>dt, after softplus.</summary>
    public T* Steps;

    /// <summary>dt u.</summary>
    public T* Inputs;

    /// <summary>Gradient of y, the gate taken off.</summary>
    public T* GradY;

    /// <summary>Added to: gradient of dt u.</summary>
    public T* GradInputs;

    /// <summary>Added to: gradient of dt through the decay, over ln 2.</summary>
    public T* GradSteps;

    /// <summary>States of two n, [2, chunk + 1, lanes]: the one before step t at t.</summary>
    public T* Kept;

    /// <summary>Decays of two n, [2, chunk + 1, lanes].</summary>
    public T* Decays;

    /// <summary>Gradients of the states of two n, [2, chunk + 1, lanes], where states are the result.</summary>
    public T* GradStates;
}

/// <summary>
/// The recurrence run backwards over the steps of one packed sequence within a chunk, for one block of channels and one state n,
/// from what <see cref="ScanRecurrence{V, T, TB, TC, TY, TKeep, TBounded}"/> kept:
/// <code>
/// dh_t = C_t dy_t + e_(t+1) dh_(t+1)          dC_t += dy_t h_t       dB_t += dh_t du_t
/// d(du)_t += B_t dh_t                         d(dt A)_t = dh_t h_(t-1) e_t, into dA and d(dt)
/// </code>
/// <typeparamref name="TLanes"/>: the lanes are states of one channel, not channels.
/// Sums over channels stay in [N, steps, lanes] partial vectors, added to over the blocks and across lanes once a chunk.
/// </summary>
internal static unsafe class ScanSweep<V, T, TB, TC, TStates, TLanes>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TB : ISwitch
    where TC : ISwitch
    where TStates : ISwitch
    where TLanes : ISwitch
{
    /// <summary>Two neighbouring states.</summary>
    /// <param name="buffers">Sequences of the block</param>
    /// <param name="a">A', [2, lanes]</param>
    /// <param name="gradA">Added to: [2, lanes]</param>
    /// <param name="carry">e_(t+1) dh_(t+1), in and out: [2, lanes]</param>
    /// <param name="b">B of step 0 (two scalars), or [2, lanes]</param>
    /// <param name="bStep">Elements between two steps of a per-position B</param>
    /// <param name="c">As b</param>
    /// <param name="cStep">As bStep</param>
    /// <param name="gradB">Added to: [2, steps, lanes] with <paramref name="partStep"/> elements between the states, or [2, lanes]</param>
    /// <param name="gradC">As gradB</param>
    /// <param name="partStep">Elements from the first state's partial sums to the second's</param>
    /// <param name="keepStep">Elements from the first state's kept values to the second's</param>
    /// <param name="starts">Steps at which sequences begin, ascending; the first is 0</param>
    /// <param name="sequences">How many</param>
    /// <param name="count">Steps</param>
    /// <param name="continues">The first sequence goes on from before the chunk</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pair(
        in SweepBuffers<T> buffers, T* a, T* gradA, T* carry, T* b, long bStep, T* c, long cStep,
        T* gradB, T* gradC, int partStep, int keepStep, int* starts, int sequences, int count, bool continues)
    {
        T* steps = buffers.Steps, inputs = buffers.Inputs, gradY = buffers.GradY, gradInputs = buffers.GradInputs, gradSteps = buffers.GradSteps;
        T* kept = buffers.Kept, decays = buffers.Decays, gradStates = buffers.GradStates;
        V a0 = V.Load(a), a1 = V.Load(a + V.Count);
        V da0 = V.Load(gradA), da1 = V.Load(gradA + V.Count);
        V carry0 = V.Load(carry), carry1 = V.Load(carry + V.Count);
        V b0 = TB.On ? default : V.Load(b), b1 = TB.On ? default : V.Load(b + V.Count);
        V c0 = TC.On || TStates.On ? default : V.Load(c), c1 = TC.On || TStates.On ? default : V.Load(c + V.Count);
        V db0 = V.Zero, db1 = V.Zero, dc0 = V.Zero, dc1 = V.Zero;
        T* bt = b + (count - 1) * bStep;
        T* ct = c + (count - 1) * cStep;
        for (int k = sequences - 1, t = count - 1; k >= 0; k--)
        {
            int from = starts[k];
            bool begins = k > 0 || !continues;
            V h0 = V.Load(kept + (t + 1) * V.Count), h1 = V.Load(kept + keepStep + (t + 1) * V.Count);
            for (; t >= from; t--)
            {
                int at = t * V.Count;
                V step = V.Load(steps + at), input = V.Load(inputs + at);
                V before0 = V.Load(kept + at), before1 = V.Load(kept + keepStep + at);
                if (begins && t == from)
                {
                    before0 = V.Zero;
                    before1 = V.Zero;
                }

                V dh0, dh1;
                if (TStates.On)
                {
                    dh0 = carry0 + V.Load(gradStates + at);
                    dh1 = carry1 + V.Load(gradStates + keepStep + at);
                }
                else
                {
                    V dy = V.Load(gradY + at);
                    if (TC.On)
                    {
                        c0 = At(ct, 0);
                        c1 = At(ct, 1);
                        ct -= cStep;
                        V.MultiplyAdd(dy, h0, V.Load(gradC + at)).Store(gradC + at);
                        V.MultiplyAdd(dy, h1, V.Load(gradC + partStep + at)).Store(gradC + partStep + at);
                    }
                    else
                    {
                        dc0 = V.MultiplyAdd(dy, h0, dc0);
                        dc1 = V.MultiplyAdd(dy, h1, dc1);
                    }

                    dh0 = V.MultiplyAdd(dy, c0, carry0);
                    dh1 = V.MultiplyAdd(dy, c1, carry1);
                }

                if (TB.On)
                {
                    b0 = At(bt, 0);
                    b1 = At(bt, 1);
                    bt -= bStep;
                    V.MultiplyAdd(dh0, input, V.Load(gradB + at)).Store(gradB + at);
                    V.MultiplyAdd(dh1, input, V.Load(gradB + partStep + at)).Store(gradB + partStep + at);
                }
                else
                {
                    db0 = V.MultiplyAdd(dh0, input, db0);
                    db1 = V.MultiplyAdd(dh1, input, db1);
                }

                V.MultiplyAdd(dh1, b1, V.MultiplyAdd(dh0, b0, V.Load(gradInputs + at))).Store(gradInputs + at);
                carry0 = dh0 * V.Load(decays + at);
                carry1 = dh1 * V.Load(decays + keepStep + at);
                V decay0 = carry0 * before0, decay1 = carry1 * before1;
                da0 = V.MultiplyAdd(decay0, step, da0);
                da1 = V.MultiplyAdd(decay1, step, da1);
                V.MultiplyAdd(decay1, a1, V.MultiplyAdd(decay0, a0, V.Load(gradSteps + at))).Store(gradSteps + at);
                h0 = before0;
                h1 = before1;
            }

            if (begins)
            {
                carry0 = V.Zero;
                carry1 = V.Zero;
            }
        }

        da0.Store(gradA);
        da1.Store(gradA + V.Count);
        carry0.Store(carry);
        carry1.Store(carry + V.Count);
        if (!TB.On)
        {
            (V.Load(gradB) + db0).Store(gradB);
            (V.Load(gradB + V.Count) + db1).Store(gradB + V.Count);
        }

        if (!TC.On && !TStates.On)
        {
            (V.Load(gradC) + dc0).Store(gradC);
            (V.Load(gradC + V.Count) + dc1).Store(gradC + V.Count);
        }
    }

    /// <summary>One state, as <see cref="Pair"/>: the last of an odd N.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Single(
        in SweepBuffers<T> buffers, T* a, T* gradA, T* carry, T* b, long bStep, T* c, long cStep,
        T* gradB, T* gradC, int* starts, int sequences, int count, bool continues)
    {
        V a0 = V.Load(a), da0 = V.Load(gradA), carry0 = V.Load(carry);
        V b0 = TB.On ? default : V.Load(b);
        V c0 = TC.On || TStates.On ? default : V.Load(c);
        V db0 = V.Zero, dc0 = V.Zero;
        T* bt = b + (count - 1) * bStep;
        T* ct = c + (count - 1) * cStep;
        for (int k = sequences - 1, t = count - 1; k >= 0; k--)
        {
            int from = starts[k];
            bool begins = k > 0 || !continues;
            V h0 = V.Load(buffers.Kept + (t + 1) * V.Count);
            for (; t >= from; t--)
            {
                int at = t * V.Count;
                V input = V.Load(buffers.Inputs + at);
                V before0 = begins && t == from ? V.Zero : V.Load(buffers.Kept + at);
                V dh0;
                if (TStates.On)
                {
                    dh0 = carry0 + V.Load(buffers.GradStates + at);
                }
                else
                {
                    V dy = V.Load(buffers.GradY + at);
                    if (TC.On)
                    {
                        c0 = At(ct, 0);
                        ct -= cStep;
                        V.MultiplyAdd(dy, h0, V.Load(gradC + at)).Store(gradC + at);
                    }
                    else
                    {
                        dc0 = V.MultiplyAdd(dy, h0, dc0);
                    }

                    dh0 = V.MultiplyAdd(dy, c0, carry0);
                }

                if (TB.On)
                {
                    b0 = At(bt, 0);
                    bt -= bStep;
                    V.MultiplyAdd(dh0, input, V.Load(gradB + at)).Store(gradB + at);
                }
                else
                {
                    db0 = V.MultiplyAdd(dh0, input, db0);
                }

                V.MultiplyAdd(dh0, b0, V.Load(buffers.GradInputs + at)).Store(buffers.GradInputs + at);
                carry0 = dh0 * V.Load(buffers.Decays + at);
                V decay0 = carry0 * before0;
                da0 = V.MultiplyAdd(decay0, V.Load(buffers.Steps + at), da0);
                V.MultiplyAdd(decay0, a0, V.Load(buffers.GradSteps + at)).Store(buffers.GradSteps + at);
                h0 = before0;
            }

            if (begins)
            {
                carry0 = V.Zero;
            }
        }

        da0.Store(gradA);
        carry0.Store(carry);
        if (!TB.On)
        {
            (V.Load(gradB) + db0).Store(gradB);
        }

        if (!TC.On && !TStates.On)
        {
            (V.Load(gradC) + dc0).Store(gradC);
        }
    }

    /// <summary>The carry alone, for one state: what a later piece of L sends into an earlier one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CarryOnly(T* steps, T* gradY, T* a, T* carry, T* c, long cStep, int from, int to, bool begins)
    {
        V a0 = V.Load(a), carry0 = V.Load(carry);
        V c0 = TC.On ? default : V.Load(c);
        for (int t = to - 1; t >= from; t--)
        {
            if (TC.On)
            {
                c0 = At(c + t * cStep, 0);
            }

            carry0 = V.MultiplyAdd(V.Load(gradY + t * V.Count), c0, carry0) * VectorMath.Exp2<V, T>(V.Load(steps + t * V.Count) * a0);
        }

        (begins ? V.Zero : carry0).Store(carry);
    }

    /// <summary>A per-position B or C: a scalar for all channels, or a vector of states.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V At(T* row, int n) => TLanes.On ? V.Load(row + n * V.Count) : V.Broadcast(row[n]);
}
