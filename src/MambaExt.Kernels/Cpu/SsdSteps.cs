using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>The steps of one head: bias, softplus, limits, and the decay that follows from them.</summary>
internal static unsafe class SsdSteps<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Replaces dt by d and writes exp(d A). Memory is read and written in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in StateSpaceDualityShape shape, T a, T bias, int length, T* steps, T* factors, T* slopes)
    {
        V least = V.Broadcast(T.CreateSaturating(shape.LeastStep)), largest = V.Broadcast(T.CreateSaturating(shape.LargestStep));
        V decay = V.Broadcast(a), shift = V.Broadcast(bias), one = V.Broadcast(T.One);
        for (int t = 0; t < length; t += V.Count)
        {
            V step = V.Load(steps + t) + shift, slope = one;
            if (shape.Softplus)
            {
                step = VectorMath.Softplus<V, T>(step, out slope);
            }

            slope = V.IfGreater(least, step, V.Zero, V.IfGreater(step, largest, V.Zero, slope));
            step = V.MinNative(largest, V.MaxNative(least, step));
            step.Store(steps + t);
            VectorMath.Exp<V, T>(step * decay).Store(factors + t);
            if (slopes != null)
            {
                slope.Store(slopes + t);
            }
        }
    }
}
