using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MambaExt.Kernels.Cpu;

/// <summary>128 bits of <typeparamref name="T"/>, float or double.</summary>
internal readonly unsafe struct V128<T>(Vector128<T> value) : IVector<V128<T>, T>
    where T : unmanaged
{
    private readonly Vector128<T> _value = value;

    public static int Count => Vector128<T>.Count;

    public static int Bits => 128;

    public static V128<T> Zero => new(Vector128<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> Broadcast(T value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> Load(T* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> operator +(V128<T> a, V128<T> b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> operator -(V128<T> a, V128<T> b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> operator *(V128<T> a, V128<T> b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> operator /(V128<T> a, V128<T> b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> MultiplyAdd(V128<T> a, V128<T> b, V128<T> c) => typeof(T) == typeof(float)
        ? new(Vector128.MultiplyAddEstimate(a._value.AsSingle(), b._value.AsSingle(), c._value.AsSingle()).As<float, T>())
        : new(Vector128.MultiplyAddEstimate(a._value.AsDouble(), b._value.AsDouble(), c._value.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> MaxNative(V128<T> a, V128<T> b) => new(Vector128.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> MinNative(V128<T> a, V128<T> b) => new(Vector128.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> Abs(V128<T> a) => new(Vector128.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> IfGreater(V128<T> a, V128<T> b, V128<T> then, V128<T> otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.GreaterThan(a._value, b._value), then._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V128<T> AddToExponent(V128<T> value, V128<T> shifted) => typeof(T) == typeof(float)
        ? new((value._value.AsInt32() + Vector128.ShiftLeft(shifted._value.AsInt32(), 23)).As<int, T>())
        : new((value._value.AsInt64() + Vector128.ShiftLeft(shifted._value.AsInt64(), 52)).As<long, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(V128<T> a) => Vector128.Sum(a._value);
}
