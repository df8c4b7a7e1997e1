using System.Numerics;
using System.Runtime.InteropServices;
using Xunit;

namespace MambaExt.Kernels.Tests;

/// <summary>Native memory with guards on both sides, for kernels that take pointers; filled with not-a-number until written.</summary>
internal sealed unsafe class NativeArray<T> : IDisposable
    where T : unmanaged, INumber<T>
{
    private const int Guard = 32;
    private readonly T* _block;

    public NativeArray(long length)
    {
        Length = length;
        _block = (T*)NativeMemory.AlignedAlloc((nuint)((length + (2 * Guard)) * sizeof(T)), 64);
        new Span<T>(_block, (int)length + (2 * Guard)).Fill(Unwritten);
    }

    public NativeArray(ReadOnlySpan<T> values)
        : this(values.Length) => values.CopyTo(new Span<T>(Pointer, values.Length));

    /// <summary>What memory holds before anyone writes it: not-a-number, or the smallest integer.</summary>
    public static T Unwritten => T.CreateSaturating(typeof(T) == typeof(float) || typeof(T) == typeof(double) ? double.NaN : int.MinValue);

    public long Length { get; }

    public T* Pointer => _block + Guard;

    public Span<T> Span => new(Pointer, (int)Length);

    public static NativeArray<T> Of(double[] values) => new(Array.ConvertAll(values, T.CreateChecked));

    public double[] ToDoubles() => Array.ConvertAll(Span.ToArray(), double.CreateChecked);

    public void Dispose()
    {
        for (int i = 0; i < Guard; i++)
        {
            Assert.Equal(Unwritten, _block[i]);
            Assert.Equal(Unwritten, _block[Guard + Length + i]);
        }

        NativeMemory.AlignedFree(_block);
    }
}
