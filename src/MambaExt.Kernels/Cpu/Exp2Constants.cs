using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// The constants of the innermost exponential in memory, each as wide as the widest vector. A loop reads those it wants to keep into
/// registers before it starts; the JIT would load what it knows to be constant anew at every use, and with two loads a cycle that
/// would take longer than the arithmetic. See <see cref="VectorMath"/> for the method.
/// </summary>
internal static unsafe class Exp2Constants
{
    /// <summary>Elements between two constants.</summary>
    public const int Stride = 16;

    // (2^f - 1) / f on [-1/2, 1/2], degree 4, minimax for the relative error of 2^f - 1: 4.3e-7, that is at most 1.3e-7 of 2^f and
    // nothing at f = 0. One degree less than VectorMath.Exp2 takes, measured at 1.9 ulp (VectorMathTests).
    private static readonly float[] Single =
    [
        -126, 127.99999f, 12582912, 1,
        0.0013333539245650172f, 0.009666245430707932f, 0.05550500378012657f, 0.24022351205348969f, 0.6931471228599548f,
    ];

    /// <summary>low, high, magic, one, then the polynomial from its highest coefficient.</summary>
    public static readonly float* Table = Make();

    private static float* Make()
    {
        // Never freed: it lives as long as the process.
        float* table = (float*)NativeMemory.AlignedAlloc((nuint)(Single.Length * Stride * sizeof(float)), 64);
        for (int i = 0; i < Single.Length * Stride; i++)
        {
            table[i] = Single[i / Stride];
        }

        return table;
    }
}
