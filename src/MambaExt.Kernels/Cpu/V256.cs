using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MambaExt.Kernels.Cpu;

/// <summary>256 bits of <typeparamref name="T"/>, float or double.</summary>
internal readonly unsafe struct V256<T>(Vector256<T> value) : IVector<V256<T>, T>
    where T : unmanaged
{
    private readonly Vector256<T> _value = value;

    public static int Count => Vector256<T>.Count;

    public static int Bits => 256;

    public static V256<T> Zero => new(Vector256<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> Broadcast(T value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> Load(T* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> operator +(V256<T> a, V256<T> b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> operator -(V256<T> a, V256<T> b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> operator *(V256<T> a, V256<T> b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> operator /(V256<T> a, V256<T> b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> MultiplyAdd(V256<T> a, V256<T> b, V256<T> c) => typeof(T) == typeof(float)
        ? new(Vector256.MultiplyAddEstimate(a._value.AsSingle(), b._value.AsSingle(), c._value.AsSingle()).As<float, T>())
        : new(Vector256.MultiplyAddEstimate(a._value.AsDouble(), b._value.AsDouble(), c._value.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> MaxNative(V256<T> a, V256<T> b) => new(Vector256.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> MinNative(V256<T> a, V256<T> b) => new(Vector256.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> Abs(V256<T> a) => new(Vector256.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> IfGreater(V256<T> a, V256<T> b, V256<T> then, V256<T> otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(a._value, b._value), then._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V256<T> AddToExponent(V256<T> value, V256<T> shifted) => typeof(T) == typeof(float)
        ? new((value._value.AsInt32() + Vector256.ShiftLeft(shifted._value.AsInt32(), 23)).As<int, T>())
        : new((value._value.AsInt64() + Vector256.ShiftLeft(shifted._value.AsInt64(), 52)).As<long, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(V256<T> a) => Vector256.Sum(a._value);
}
