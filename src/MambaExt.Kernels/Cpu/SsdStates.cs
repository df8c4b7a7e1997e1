using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>States between memory, [P, N], and scratch, [N, P] with a row stride.</summary>
internal static unsafe class SsdStates<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>[P, N] into scratch whose padding is zero already; zeros from null.</summary>
    public static void Load(in StateSpaceDualityShape shape, T* source, T* target, int stride)
    {
        for (int p = 0; p < shape.HeadWidth; p++)
        {
            for (int n = 0; n < shape.States; n++)
            {
                target[(long)n * stride + p] = source == null ? T.Zero : source[(long)p * shape.States + n];
            }
        }
    }

    /// <summary>Scratch to [P, N].</summary>
    public static void Store(in StateSpaceDualityShape shape, T* source, int stride, T* target)
    {
        for (int p = 0; p < shape.HeadWidth; p++)
        {
            for (int n = 0; n < shape.States; n++)
            {
                target[(long)p * shape.States + n] = source[(long)n * stride + p];
            }
        }
    }

    /// <summary>Scratch to a checkpoint, [N, P].</summary>
    public static void Keep(in StateSpaceDualityShape shape, T* source, int stride, T* target)
    {
        for (int n = 0; n < shape.States; n++)
        {
            new Span<T>(source + (long)n * stride, shape.HeadWidth).CopyTo(new Span<T>(target + (long)n * shape.HeadWidth, shape.HeadWidth));
        }
    }

    /// <summary>A checkpoint into scratch.</summary>
    public static void Recall(in StateSpaceDualityShape shape, T* source, T* target, int stride)
    {
        for (int n = 0; n < shape.States; n++)
        {
            new Span<T>(source + (long)n * shape.HeadWidth, shape.HeadWidth).CopyTo(new Span<T>(target + (long)n * stride, shape.HeadWidth));
        }
    }
}
