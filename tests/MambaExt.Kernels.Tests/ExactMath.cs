using System.Numerics;

namespace MambaExt.Kernels.Tests;

/// <summary>Elementary functions in fixed point with 300 fractional bits, by their plain series: what the double functions are held against.</summary>
internal static class ExactMath
{
    private const int Bits = 300;

    private static readonly BigInteger One = BigInteger.One << Bits;

    /// <summary>ln 2 = sum of 1 / (k 2^k).</summary>
    private static readonly BigInteger Ln2 = Enumerable.Range(1, Bits).Aggregate(BigInteger.Zero, (sum, k) => sum + ((One >> k) / k));

    /// <summary>x exactly; |x| at least 2^-240 or zero.</summary>
    public static BigInteger Fixed(double x)
    {
        if (x == 0)
        {
            return 0;
        }

        int exponent = Math.ILogB(x);
        var mantissa = new BigInteger(Math.ScaleB(x, 52 - exponent));
        int shift = Bits + exponent - 52;
        return shift >= 0 ? mantissa << shift : mantissa >> -shift;
    }

    /// <summary>The error of <paramref name="given"/> in units of the last of 53 places of e^x or 2^x.</summary>
    public static double ExponentialUlps(double x, double given, bool binary)
    {
        (BigInteger mantissa, int exponent) = Exponential(Fixed(x), binary);
        BigInteger value = Fixed(Math.ScaleB(given, -exponent));
        return Ratio(value - mantissa, BigInteger.One << (Bits - 52));
    }

    /// <summary>e^-x for x of 0 or more.</summary>
    public static BigInteger ExpOfMinus(BigInteger x)
    {
        (BigInteger mantissa, int exponent) = Exponential(-x, binary: false);
        return mantissa >> -exponent;
    }

    /// <summary>log(1 + w) = 2 atanh(w / (2 + w)) for w in [0, 1].</summary>
    public static BigInteger Log1P(BigInteger w)
    {
        BigInteger s = (w << Bits) / ((2 * One) + w);
        BigInteger square = (s * s) >> Bits, power = s, sum = 0;
        for (int odd = 1; power != 0; odd += 2)
        {
            sum += power / odd;
            power = (power * square) >> Bits;
        }

        return 2 * sum;
    }

    /// <summary>|given - exact| / exact in units of 2^-52.</summary>
    public static double RelativeEpsilons(BigInteger exact, double given) => Ratio((Fixed(given) - exact) << 52, exact);

    public static BigInteger Divide(BigInteger a, BigInteger b) => (a << Bits) / b;

    public static BigInteger Unit => One;

    /// <summary>The mantissa in [1, 2) and the exponent of 2^x or e^x.</summary>
    private static (BigInteger Mantissa, int Exponent) Exponential(BigInteger x, bool binary)
    {
        BigInteger y = binary ? x : (x << Bits) / Ln2;
        BigInteger whole = y >> Bits;
        BigInteger argument = ((y - (whole << Bits)) * Ln2) >> Bits, term = One, sum = One;
        for (int k = 1; term != 0; k++)
        {
            term = ((term * argument) >> Bits) / k;
            sum += term;
        }

        return (sum, (int)whole);
    }

    private static double Ratio(BigInteger a, BigInteger b) => Math.Abs((double)((a << 40) / b)) / (1L << 40);
}
