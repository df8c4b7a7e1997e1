using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// 2^x for |x| up to <see cref="Limit"/>, which the caller has checked: the innermost operation of the scan, by the method of
/// <see cref="VectorMath"/> without its bounds. In float q(f) has degree 4, minimax for the relative error of 2^f - 1 on [-1/2, 1/2] (own
/// Remez): 4.3e-7, that is 1.3e-7 of 2^f at most and nothing at f = 0. Measured over every 61st float in [-125, 125]: 2.72 ulp at most.
/// The constants are read from memory before a loop and passed along, so that they stay in registers: the JIT loads what it knows to be
/// constant anew at every use, and with two loads a cycle that would take longer than the arithmetic.
/// </summary>
internal static unsafe class BoundedExp2<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly T* Table = MakeTable();

    /// <summary>Largest |x|.</summary>
    public static T Limit => T.CreateTruncating(typeof(T) == typeof(float) ? 125 : 1020);

    /// <summary>Constant <paramref name="k"/>: 1.5 * 2^23, 1, then q from its highest coefficient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Constant(int k) => typeof(T) == typeof(float) ? V.Broadcast(Table[k]) : default;

    /// <summary>x where no caller has checked it: held to where <see cref="Of"/> gives a normal number, and the same up to the limit. The bits of a decay
    /// then follow from it alone, whatever its neighbours are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Clamp(V x) => typeof(T) != typeof(float)
        ? x
        : V.MinNative(V.Broadcast(T.CreateTruncating(127.999992370605)), V.MaxNative(V.Broadcast(T.CreateTruncating(-126)), x));

    /// <summary>2^x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of(V x, V magic, V one, V q0, V q1, V q2, V q3, V q4)
    {
        if (typeof(T) != typeof(float))
        {
            return VectorMath.Exp2<V, T>(x);
        }

        V shifted = x + magic;
        V f = x - (shifted - magic);
        V q = V.MultiplyAdd(V.MultiplyAdd(V.MultiplyAdd(V.MultiplyAdd(q0, f, q1), f, q2), f, q3), f, q4);
        return V.AddToExponent(V.MultiplyAdd(q, f, one), shifted);
    }

    private static T* MakeTable()
    {
        double[] values = [12582912, 1, 0.0013333539245650172, 0.009666245430707932, 0.05550500378012657, 0.24022351205348969, 0.6931471228599548];

        // Never freed: it lives as long as the process.
        T* table = (T*)NativeMemory.Alloc((nuint)(values.Length * sizeof(T)));
        for (int i = 0; i < values.Length; i++)
        {
            table[i] = T.CreateTruncating(values[i]);
        }

        return table;
    }
}
