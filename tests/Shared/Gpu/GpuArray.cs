using System.Runtime.InteropServices;
using MambaExt.Kernels;

namespace MambaExt.Tests.Shared;

/// <summary>An array in the emulated GPU's memory, behind whose last element nothing can be read; not-a-number until written.</summary>
internal sealed unsafe class GpuArray<T> : IDisposable
    where T : unmanaged
{
    private readonly EmulatedGpu _gpu;

    public GpuArray(EmulatedGpu gpu, long length)
    {
        _gpu = gpu;
        Length = length;
        Pointer = (T*)gpu.AllocateExact(length * sizeof(T));
    }

    public GpuArray(EmulatedGpu gpu, ReadOnlySpan<T> values)
        : this(gpu, values.Length) => gpu.CopyIn((nint)Pointer, MemoryMarshal.AsBytes(values));

    public long Length { get; }

    public T* Pointer { get; }

    /// <summary>The elements, rounded to the type.</summary>
    public static GpuArray<T> Of(EmulatedGpu gpu, double[] values) => new(gpu, Array.ConvertAll(values, FromDouble));

    /// <summary>An absent input stays absent.</summary>
    public static GpuArray<T>? OfOptional(EmulatedGpu gpu, double[]? values) => values is null ? null : Of(gpu, values);

    public T[] ToArray()
    {
        var result = new T[Length];
        _gpu.CopyOut(MemoryMarshal.AsBytes(result.AsSpan()), (nint)Pointer);
        return result;
    }

    public double[] ToDoubles() => Array.ConvertAll(ToArray(), ToDouble);

    public void Dispose() => _gpu.Free((nint)Pointer);

    public static T FromDouble(double value) => typeof(T) == typeof(float) ? (T)(object)(float)value
        : typeof(T) == typeof(double) ? (T)(object)value
        : typeof(T) == typeof(Half) ? (T)(object)(Half)value
        : typeof(T) == typeof(int) ? (T)(object)(int)value
        : typeof(T) == typeof(long) ? (T)(object)(long)value
        : (T)(object)(BFloat16)(float)value;

    public static double ToDouble(T value) => value switch
    {
        float number => number,
        double number => number,
        Half number => (double)number,
        BFloat16 number => (float)number,
        int number => number,
        long number => number,
        _ => throw new NotSupportedException(typeof(T).Name),
    };
}
