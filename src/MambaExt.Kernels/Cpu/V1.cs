using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MambaExt.Kernels.Cpu;

/// <summary>One lane of <typeparamref name="T"/>: the channels left over where a row is no multiple of a vector. It computes in the
/// lowest lane of 128 bits with the very instructions of the wider vectors, so a channel's bits do not depend on where the tail begins.</summary>
internal readonly unsafe struct V1<T>(V128<T> value) : IVector<V1<T>, T>
    where T : unmanaged
{
    private readonly V128<T> _value = value;

    public static int Count => 1;

    public static int Bits => 8 * sizeof(T);

    public static V1<T> Zero => new(V128<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> Broadcast(T value) => new(V128<T>.Broadcast(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> Load(T* source) => new(V128<T>.Broadcast(*source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* target) => *target = Unsafe.BitCast<V128<T>, Vector128<T>>(_value).ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> operator +(V1<T> a, V1<T> b) => new(a._value + b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> operator -(V1<T> a, V1<T> b) => new(a._value - b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> operator *(V1<T> a, V1<T> b) => new(a._value * b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> operator /(V1<T> a, V1<T> b) => new(a._value / b._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> MultiplyAdd(V1<T> a, V1<T> b, V1<T> c) => new(V128<T>.MultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> MaxNative(V1<T> a, V1<T> b) => new(V128<T>.MaxNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> MinNative(V1<T> a, V1<T> b) => new(V128<T>.MinNative(a._value, b._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> Abs(V1<T> a) => new(V128<T>.Abs(a._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> IfGreater(V1<T> a, V1<T> b, V1<T> then, V1<T> otherwise) =>
        new(V128<T>.IfGreater(a._value, b._value, then._value, otherwise._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V1<T> AddToExponent(V1<T> value, V1<T> shifted) => new(V128<T>.AddToExponent(value._value, shifted._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(V1<T> a) => Unsafe.BitCast<V128<T>, Vector128<T>>(a._value).ToScalar();
}
