using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>One position and group of <see cref="SinglePositions{V, T}"/> going backwards: what is read, written and added to, from its first channel on.</summary>
internal unsafe struct SinglePositionRow<T>
    where T : unmanaged
{
    public T* U;
    public T* Delta;
    public T* Z;
    public T* GradOut;
    public T* Bias;
    public T* Skip;
    public T* GradU;
    public T* GradDelta;
    public T* GradZ;
    public T* SumD;
    public T* SumBias;
}

/// <summary>The loops of <see cref="SinglePositions{V, T}"/> over the channels of a group, whole vectors.</summary>
internal static unsafe class SinglePositionRows<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward<TSoftplus>(T* u, T* delta, T* z, T* result, T* bias, T* skip, T product, int vectors)
        where TSoftplus : ISwitch
    {
        V s = V.Broadcast(product);
        nint end = vectors * V.Count;
        for (nint at = 0; at < end; at += V.Count)
        {
            V input = V.Load(u + at), step = V.Load(delta + at) + V.Load(bias + at);
            if (TSoftplus.On)
            {
                step = VectorMath.Softplus<V, T>(step);
            }

            V y = V.MultiplyAdd(step * input, s, V.Load(skip + at) * input);
            if (z != null)
            {
                V gate = V.Load(z + at);
                y = y * gate * VectorMath.Sigmoid<V, T>(gate);
            }

            y.Store(result + at);
        }
    }

    /// <summary>Returns dy dt u, summed over the vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static V Backward<TSoftplus>(in SinglePositionRow<T> row, T product, int vectors)
        where TSoftplus : ISwitch
    {
        T* u = row.U, delta = row.Delta, z = row.Z, gradOut = row.GradOut, bias = row.Bias, skip = row.Skip;
        T* gradU = row.GradU, gradDelta = row.GradDelta, gradZ = row.GradZ, sumD = row.SumD, sumBias = row.SumBias;
        V s = V.Broadcast(product), one = V.Broadcast(T.One), weight = V.Zero;
        nint end = vectors * V.Count;
        for (nint at = 0; at < end; at += V.Count)
        {
            V input = V.Load(u + at), step = V.Load(delta + at) + V.Load(bias + at), slope = one;
            if (TSoftplus.On)
            {
                step = VectorMath.Softplus<V, T>(step, out slope);
            }

            V stepped = step * input, skipped = V.Load(skip + at), dy = V.Load(gradOut + at);
            if (z != null)
            {
                V gate = V.Load(z + at), sigmoid = VectorMath.Sigmoid<V, T>(gate), shared = dy * sigmoid;
                V y = V.MultiplyAdd(stepped, s, skipped * input);

                // d(silu z)/dz = s (1 + z (1 - s)).
                (shared * V.MultiplyAdd(gate, one - sigmoid, one) * y).Store(gradZ + at);
                dy = shared * gate;
            }

            weight = V.MultiplyAdd(dy, stepped, weight);
            V grad = s * dy, toDelta = grad * input * slope;
            V.MultiplyAdd(grad, step, skipped * dy).Store(gradU + at);
            toDelta.Store(gradDelta + at);
            V.MultiplyAdd(dy, input, V.Load(sumD + at)).Store(sumD + at);
            (V.Load(sumBias + at) + toDelta).Store(sumBias + at);
        }

        return weight;
    }
}
