using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MambaExt.Kernels.Cpu;

/// <summary>512 bits of <typeparamref name="T"/>, float or double.</summary>
internal readonly unsafe struct V512<T>(Vector512<T> value) : IVector<V512<T>, T>
    where T : unmanaged
{
    private readonly Vector512<T> _value = value;

    public static int Count => Vector512<T>.Count;

    public static int Bits => 512;

    public static V512<T> Zero => new(Vector512<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> Broadcast(T value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> Load(T* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> operator +(V512<T> a, V512<T> b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> operator -(V512<T> a, V512<T> b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> operator *(V512<T> a, V512<T> b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> operator /(V512<T> a, V512<T> b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> MultiplyAdd(V512<T> a, V512<T> b, V512<T> c) => typeof(T) == typeof(float)
        ? new(Vector512.MultiplyAddEstimate(a._value.AsSingle(), b._value.AsSingle(), c._value.AsSingle()).As<float, T>())
        : new(Vector512.MultiplyAddEstimate(a._value.AsDouble(), b._value.AsDouble(), c._value.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> MaxNative(V512<T> a, V512<T> b) => new(Vector512.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> MinNative(V512<T> a, V512<T> b) => new(Vector512.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> Abs(V512<T> a) => new(Vector512.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> IfGreater(V512<T> a, V512<T> b, V512<T> then, V512<T> otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(a._value, b._value), then._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V512<T> AddToExponent(V512<T> value, V512<T> shifted) => typeof(T) == typeof(float)
        ? new((value._value.AsInt32() + Vector512.ShiftLeft(shifted._value.AsInt32(), 23)).As<int, T>())
        : new((value._value.AsInt64() + Vector512.ShiftLeft(shifted._value.AsInt64(), 52)).As<long, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(V512<T> a) => Vector512.Sum(a._value);
}
