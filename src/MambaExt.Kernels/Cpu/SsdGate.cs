using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>The skip and the gate of a Mamba-2 scan, over rows of whole vectors.</summary>
internal static unsafe class SsdGate<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A head's skip spread over its channels; zeros where there is none.</summary>
    public static void Skip(in StateSpaceDualityShape shape, T* d, int head, T* target)
    {
        int width = shape.HeadWidth;
        if (d == null)
        {
            new Span<T>(target, width).Clear();
        }
        else if (shape.SkipPerChannel)
        {
            new Span<T>(d + (long)head * width, width).CopyTo(new Span<T>(target, width));
        }
        else
        {
            new Span<T>(target, width).Fill(d[head]);
        }
    }

    /// <summary>out = (y + D x) silu(z), a row; z may be null, and out may be y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(T* y, T* skip, T* x, T* z, T* target, int columns)
    {
        for (int p = 0; p < columns; p += V.Count)
        {
            V result = V.MultiplyAdd(V.Load(skip + p), V.Load(x + p), V.Load(y + p));
            if (z != null)
            {
                V gate = V.Load(z + p);
                result *= gate * VectorMath.Sigmoid<V, T>(gate);
            }

            result.Store(target + p);
        }
    }

    /// <summary>From the gradient of out: that of z into <paramref name="z"/>, that of y + D x into <paramref name="grad"/>. A row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(T* y, T* skip, T* x, T* z, T* grad, int columns)
    {
        V one = V.Broadcast(T.One);
        for (int p = 0; p < columns; p += V.Count)
        {
            V gate = V.Load(z + p), sigmoid = VectorMath.Sigmoid<V, T>(gate), silu = gate * sigmoid, g = V.Load(grad + p);
            V value = V.MultiplyAdd(V.Load(skip + p), V.Load(x + p), V.Load(y + p));
            (g * value * (sigmoid + silu * (one - sigmoid))).Store(z + p);
            (g * silu).Store(grad + p);
        }
    }
}
