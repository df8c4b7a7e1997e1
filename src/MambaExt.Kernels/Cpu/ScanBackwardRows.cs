using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>Where a strip of blocks is prepared for the backward sweep: sequences are [chunk, lanes] for each block.</summary>
internal unsafe struct BackwardStrip<T>
    where T : unmanaged
{
    /// <summary>dt, after softplus.</summary>
    public T* Steps;

    /// <summary>Derivative of softplus.</summary>
    public T* Slopes;

    /// <summary>dt u.</summary>
    public T* Inputs;

    /// <summary>y before the gate, D u to begin with; only where there is a gate.</summary>
    public T* Y;

    /// <summary>Gradient of y, the gate taken off.</summary>
    public T* GradY;

    /// <summary>Gradient of z over y.</summary>
    public T* GradZ;

    /// <summary>Gradient of dt u.</summary>
    public T* GradInputs;

    /// <summary>Gradient of dt through the decay, over ln 2.</summary>
    public T* GradSteps;

    /// <summary>Largest |dt| of the chunk, [blocks, lanes].</summary>
    public T* Largest;
}

/// <summary>What the backward scan does to each element once, before and after the sweep; rows in the order of memory, as in <see cref="ScanForwardRows{V, T}"/>.</summary>
internal static unsafe class ScanBackwardRows<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>dt and its slope, dt u, and zero gradients of both.</summary>
    /// <param name="u">u of step 0</param>
    /// <param name="uStep">Elements between two steps</param>
    /// <param name="delta">As u</param>
    /// <param name="deltaStep">As uStep</param>
    /// <param name="bias">[blocks, lanes]</param>
    /// <param name="strip">Written to</param>
    /// <param name="apart">Elements from one block of the strip to the next</param>
    /// <param name="steps">Rows</param>
    /// <param name="blocks">Vectors in a row</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Discretize<TSoftplus>(T* u, long uStep, T* delta, long deltaStep, T* bias, in BackwardStrip<T> strip, nint apart, int steps, int blocks)
        where TSoftplus : ISwitch
    {
        T* dt = strip.Steps, slopes = strip.Slopes, du = strip.Inputs, gradInputs = strip.GradInputs, gradSteps = strip.GradSteps, largest = strip.Largest;
        nint row = blocks * V.Count;
        for (nint at = 0; at < row; at += V.Count)
        {
            V.Zero.Store(largest + at);
        }

        for (int t = 0; t < steps; t++, u += uStep, delta += deltaStep)
        {
            nint to = t * V.Count;
            for (nint at = 0; at < row; at += V.Count, to += apart)
            {
                V step = V.Load(delta + at) + V.Load(bias + at);
                if (TSoftplus.On)
                {
                    step = VectorMath.Softplus<V, T>(step, out V slope);
                    slope.Store(slopes + to);
                }

                step.Store(dt + to);
                (step * V.Load(u + at)).Store(du + to);
                V.Zero.Store(gradInputs + to);
                V.Zero.Store(gradSteps + to);
                V.MaxNative(V.Load(largest + at), V.Abs(step)).Store(largest + at);
            }
        }
    }

    /// <summary>The gradient of y behind the gate, and y = D u to begin with. Without a gate (<paramref name="z"/> null) it is <paramref name="dout"/>,
    /// and zero where that is null too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate(
        T* dout, long doutStep, T* z, long zStep, T* u, long uStep, T* skip, in BackwardStrip<T> strip, nint apart, int steps, int blocks)
    {
        T* y = strip.Y, gradY = strip.GradY, gradZ = strip.GradZ;
        nint row = blocks * V.Count;
        V one = V.Broadcast(T.One);
        for (int t = 0; t < steps; t++, dout += doutStep, z += zStep, u += uStep)
        {
            nint to = t * V.Count;
            if (z == null)
            {
                for (nint at = 0; at < row; at += V.Count, to += apart)
                {
                    (dout == null ? V.Zero : V.Load(dout + at)).Store(gradY + to);
                }

                continue;
            }

            for (nint at = 0; at < row; at += V.Count, to += apart)
            {
                V gradient = V.Load(dout + at), gate = V.Load(z + at), sigmoid = VectorMath.Sigmoid<V, T>(gate), shared = gradient * sigmoid;

                // d(silu z)/dz = s (1 + z (1 - s)), kept with dout until y is known.
                (shared * V.MultiplyAdd(gate, one - sigmoid, one)).Store(gradZ + to);
                (shared * gate).Store(gradY + to);
                (V.Load(skip + at) * V.Load(u + at)).Store(y + to);
            }
        }
    }

    /// <summary>From the gradients of dt and dt u to those of u, delta, D and the bias; the last two are added to [blocks, lanes].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Finish<TSoftplus>(
        T* u, long uStep, T* toU, long toUStep, T* toDelta, long toDeltaStep, T* skip, T* gradD, T* gradBias, in BackwardStrip<T> strip, nint apart, int steps, int blocks)
        where TSoftplus : ISwitch
    {
        T* dt = strip.Steps, slopes = strip.Slopes, gradY = strip.GradY, gradInputs = strip.GradInputs, gradSteps = strip.GradSteps;
        nint row = blocks * V.Count;
        V ln2 = V.Broadcast(T.CreateTruncating(0.69314718055994530942));
        for (int t = 0; t < steps; t++, u += uStep, toU += toUStep, toDelta += toDeltaStep)
        {
            nint from = t * V.Count;
            for (nint at = 0; at < row; at += V.Count, from += apart)
            {
                V value = V.Load(u + at), dy = V.Load(gradY + from), input = V.Load(gradInputs + from);
                V delta = V.MultiplyAdd(V.Load(gradSteps + from), ln2, input * value);
                if (TSoftplus.On)
                {
                    delta *= V.Load(slopes + from);
                }

                V.MultiplyAdd(dy, value, V.Load(gradD + at)).Store(gradD + at);
                (V.Load(gradBias + at) + delta).Store(gradBias + at);
                delta.Store(toDelta + at);
                V.MultiplyAdd(input, V.Load(dt + from), V.Load(skip + at) * dy).Store(toU + at);
            }
        }
    }

    /// <summary>The gradient of z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FinishGate(T* toZ, long toZStep, in BackwardStrip<T> strip, nint apart, int steps, int blocks)
    {
        T* y = strip.Y, gradZ = strip.GradZ;
        nint row = blocks * V.Count;
        for (int t = 0; t < steps; t++, toZ += toZStep)
        {
            nint from = t * V.Count;
            for (nint at = 0; at < row; at += V.Count, from += apart)
            {
                (V.Load(gradZ + from) * V.Load(y + from)).Store(toZ + at);
            }
        }
    }
}
