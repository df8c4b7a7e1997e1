using System.Numerics;
using MambaExt.Kernels.Cpu;
using Xunit;

namespace MambaExt.Kernels.Tests;

public unsafe class VectorMathTests
{
    private delegate double Unary(double x);

    [Fact]
    public void Exp2_of_float_is_within_a_few_ulp() =>
        AssertAtMost(1.02, FloatUlps(&VectorMath.Exp2<V256<float>, float>,
            x => Math.Pow(2, x), -126, 127.5f, step: 61), "float exp2");

    [Fact]
    public void Bounded_exp2_of_float_is_within_a_few_ulp() =>
        AssertAtMost(3.2, FloatUlps(&BoundedExp2OfFloat, x => Math.Pow(2, x), -125, 125, step: 61), "bounded float exp2");

    [Fact]
    public void Bounded_exp2_loses_nothing_at_slow_decays()
    {
        // The published smallest step times A = -1: the error of the decay's logarithm, not of the decay, is what a long scan adds up.
        foreach (float x in new[] { -1e-3f, -1e-2f, -0.1f })
        {
            V256<float> decay = BoundedExp2OfFloat(V256<float>.Broadcast(x));
            double got = *(float*)&decay;
            double roundingOfOne = 6e-8 / Math.Abs(x);
            Assert.Equal(0, Math.Log2(got) / x - 1, 4.4e-7 + 1.5 * roundingOfOne);
        }
    }

    private static V256<float> BoundedExp2OfFloat(V256<float> x) => BoundedExp2<V256<float>, float>.Of(
        x, Bounded(0), Bounded(1), Bounded(2), Bounded(3), Bounded(4), Bounded(5), Bounded(6));

    private static V256<float> Bounded(int k) => BoundedExp2<V256<float>, float>.Constant(k);

    [Fact]
    public void Exp_of_float_is_within_a_few_ulp() =>
        AssertAtMost(1.28, FloatUlps(&VectorMath.Exp<V256<float>, float>,
            Math.Exp, -87.3f, 88.7f), "float exp");

    [Fact]
    public void Log1P_of_float_is_within_a_few_ulp() =>
        AssertAtMost(3.3, FloatUlps(&VectorMath.Log1P<V256<float>, float>,
            w => Series(w), 0, 1), "float log1p");

    [Fact]
    public void Softplus_of_float_is_within_a_few_ulp() =>
        AssertAtMost(4, FloatUlps(&VectorMath.Softplus<V256<float>, float>,
            x => x > 20 ? x : Math.Max(x, 0) + Series(Math.Exp(-Math.Abs(x))), -80, 30), "float softplus");

    [Fact]
    public void Sigmoid_of_float_is_within_a_few_ulp() =>
        AssertAtMost(3, FloatUlps(&VectorMath.Sigmoid<V256<float>, float>,
            x => 1 / (1 + Math.Exp(-x)), -80, 30), "float sigmoid");

    [Fact]
    public void Exp2_of_double_is_within_a_few_ulp() =>
        AssertAtMost(1, DoubleWorst(&VectorMath.Exp2<V256<double>, double>,
            (x, y) => ExactMath.ExponentialUlps(x, y, true), -1022, 1023.5), "double exp2");

    [Fact]
    public void Exp_of_double_is_within_a_few_ulp() =>
        AssertAtMost(1.2, DoubleWorst(&VectorMath.Exp<V256<double>, double>,
            (x, y) => ExactMath.ExponentialUlps(x, y, false), -708.3, 709.7), "double exp");

    [Fact]
    public void Log1P_of_double_is_within_a_few_epsilon() =>
        AssertAtMost(2.2, DoubleWorst(&VectorMath.Log1P<V256<double>, double>,
            (w, y) => ExactMath.RelativeEpsilons(ExactMath.Log1P(ExactMath.Fixed(w)), y), 0, 1), "double log1p");

    [Fact]
    public void Softplus_of_double_is_within_a_few_epsilon() =>
        AssertAtMost(2.5, DoubleWorst(&VectorMath.Softplus<V256<double>, double>,
            SoftplusError, -80, 30), "double softplus");

    [Fact]
    public void Sigmoid_of_double_is_within_a_few_epsilon() =>
        AssertAtMost(1.3, DoubleWorst(&VectorMath.Sigmoid<V256<double>, double>,
            SigmoidError, -80, 30), "double sigmoid");

    private static double SoftplusError(double x, double y)
    {
        BigInteger exact = x > 20
            ? ExactMath.Fixed(x)
            : ExactMath.Fixed(Math.Max(x, 0)) + ExactMath.Log1P(ExactMath.ExpOfMinus(ExactMath.Fixed(Math.Abs(x))));
        return ExactMath.RelativeEpsilons(exact, y);
    }

    private static double SigmoidError(double x, double y)
    {
        BigInteger exp = ExactMath.ExpOfMinus(ExactMath.Fixed(Math.Abs(x)));
        return ExactMath.RelativeEpsilons(ExactMath.Divide(x > 0 ? ExactMath.Unit : exp, ExactMath.Unit + exp), y);
    }

    /// <summary>log(1 + w), w in [0, 1], to double precision: (double)(1 + w) loses digits of w, which the quotient gives back.</summary>
    private static double Series(double w)
    {
        double u = 1 + w;
        return u == 1 ? w : Math.Log(u) * (w / (u - 1));
    }

    /// <summary>The largest error over every <paramref name="step"/>th float of a range, in units of the last place of the result.</summary>
    private static double FloatUlps(delegate*<V256<float>, V256<float>> function, Unary exact, float from, float to, uint step = 307)
    {
        double worst = 0;
        float* lanes = stackalloc float[8];
        float* results = stackalloc float[8];
        int filled = 0;
        foreach ((uint first, uint last, float sign) in Halves(from, to))
        {
            for (uint bits = first; bits <= last; bits += step)
            {
                lanes[filled++] = sign * BitConverter.UInt32BitsToSingle(bits);
                if (filled == 8)
                {
                    function(V256<float>.Load(lanes)).Store(results);
                    for (int i = 0; i < 8; i++)
                    {
                        double wanted = exact(lanes[i]);
                        double ulp = BitConverter.UInt64BitsToDouble((BitConverter.DoubleToUInt64Bits(wanted) & 0x7FF0_0000_0000_0000UL) - (23UL << 52));
                        worst = Math.Max(worst, Math.Abs(results[i] - wanted) / ulp);
                    }

                    filled = 0;
                }
            }
        }

        return worst;
    }

    private static IEnumerable<(uint First, uint Last, float Sign)> Halves(float from, float to)
    {
        // Below 2^-40 every function here is its constant or linear part: one magnitude stands for the rest.
        uint smallest = BitConverter.SingleToUInt32Bits(MathF.ScaleB(1, -40));
        yield return (smallest, BitConverter.SingleToUInt32Bits(to), 1);
        if (from < 0)
        {
            yield return (smallest, BitConverter.SingleToUInt32Bits(-from), -1);
        }
    }

    private static double DoubleWorst(delegate*<V256<double>, V256<double>> function, Func<double, double, double> error, double from, double to)
    {
        var random = new Random(17);
        double worst = 0;
        double* lanes = stackalloc double[4];
        double* results = stackalloc double[4];
        for (int i = 0; i < 3000; i++)
        {
            for (int lane = 0; lane < 4; lane++)
            {
                double value = from + ((to - from) * random.NextDouble());
                lanes[lane] = lane switch { 0 => value, 1 => value / 64, 2 => value * Math.ScaleB(1, -random.Next(30)), _ => from < 0 ? (value % 2) + 19 : value };
            }

            function(V256<double>.Load(lanes)).Store(results);
            for (int lane = 0; lane < 4; lane++)
            {
                worst = Math.Max(worst, error(lanes[lane], results[lane]));
            }
        }

        return worst;
    }

    private static void AssertAtMost(double bound, double worst, string what)
    {
        Assert.True(worst <= bound, $"{what}: the largest error is {worst:F3}, allowed {bound}");
        Assert.True(worst > bound / 1.5, $"{what}: the largest error is {worst:F3}; the bound {bound} says nothing, tighten it");
    }
}
