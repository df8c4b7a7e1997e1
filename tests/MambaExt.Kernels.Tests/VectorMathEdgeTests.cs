using System.Numerics;
using MambaExt.Kernels.Cpu;
using Xunit;

namespace MambaExt.Kernels.Tests;

public unsafe class VectorMathEdgeTests
{
    [Fact]
    public void Not_a_number_stays_so_at_every_width()
    {
        AssertNotANumber<V1<float>, float>(float.NaN);
        AssertNotANumber<V128<float>, float>(-float.NaN);
        AssertNotANumber<V256<float>, float>(float.NaN);
        AssertNotANumber<V512<float>, float>(-float.NaN);
        AssertNotANumber<V1<double>, double>(double.NaN);
        AssertNotANumber<V128<double>, double>(double.NaN);
        AssertNotANumber<V256<double>, double>(-double.NaN);
        AssertNotANumber<V512<double>, double>(double.NaN);
    }

    [Fact]
    public void Not_a_number_with_a_payload_passes_softplus_and_silu()
    {
        // 0x7FFFFFFF is what a GPU makes; its low bits reach the exponent of Exp, which is why no kernel relies on Exp alone.
        var x = V256<float>.Broadcast(BitConverter.UInt32BitsToSingle(0x7FFF_FFFF));
        Assert.True(float.IsNaN(First<V256<float>, float>(VectorMath.Softplus<V256<float>, float>(x))));
        Assert.True(float.IsNaN(First<V256<float>, float>(x * VectorMath.Sigmoid<V256<float>, float>(x))));
    }

    [Fact]
    public void Infinity_and_huge_numbers_give_the_ends_of_the_range()
    {
        foreach (float huge in new[] { float.PositiveInfinity, float.MaxValue, 1e6f })
        {
            V256<float> above = V256<float>.Broadcast(huge), below = V256<float>.Broadcast(-huge);
            Assert.InRange(First<V256<float>, float>(VectorMath.Exp2<V256<float>, float>(above)), 3.4e38f, float.MaxValue);
            Assert.Equal(MathF.ScaleB(1, -126), First<V256<float>, float>(VectorMath.Exp2<V256<float>, float>(below)));
            Assert.InRange(First<V256<float>, float>(VectorMath.Exp<V256<float>, float>(above)), 3.3e38f, float.MaxValue);
            Assert.InRange(First<V256<float>, float>(VectorMath.Exp<V256<float>, float>(below)), 1.17e-38f, 1.2e-38f);
            Assert.Equal(huge, First<V256<float>, float>(VectorMath.Softplus<V256<float>, float>(above)));
            Assert.InRange(First<V256<float>, float>(VectorMath.Softplus<V256<float>, float>(below)), 0, 1.2e-38f);
            Assert.Equal(1, First<V256<float>, float>(VectorMath.Sigmoid<V256<float>, float>(above)));
            Assert.InRange(First<V256<float>, float>(VectorMath.Sigmoid<V256<float>, float>(below)), 0, 3e-39f);
        }

        var infinite = V256<double>.Broadcast(double.PositiveInfinity);
        Assert.InRange(First<V256<double>, double>(VectorMath.Exp2<V256<double>, double>(infinite)), 1.7e308, double.MaxValue);
        Assert.Equal(double.PositiveInfinity, First<V256<double>, double>(VectorMath.Softplus<V256<double>, double>(infinite)));
    }

    [Fact]
    public void Exp2_of_whole_numbers_is_exact_and_around_zero_it_is_one_plus_the_slope()
    {
        for (int n = -126; n < 128; n++)
        {
            Assert.Equal(MathF.ScaleB(1, n), First<V256<float>, float>(VectorMath.Exp2<V256<float>, float>(V256<float>.Broadcast(n))));
        }

        Assert.Equal(1, First<V256<float>, float>(VectorMath.Exp2<V256<float>, float>(V256<float>.Broadcast(-1e-9f))));
        Assert.Equal(0, First<V256<float>, float>(VectorMath.Log1P<V256<float>, float>(V256<float>.Zero)));
    }

    [Fact]
    public void Lanes_have_the_same_bits_at_every_width()
    {
        var random = new Random(2);
        for (int i = 0; i < 2000; i++)
        {
            float x = (float)((random.NextDouble() * 200) - 120);
            AssertSameBits(
                x,
                First<V1<float>, float>(VectorMath.Exp2<V1<float>, float>(V1<float>.Broadcast(x))),
                First<V128<float>, float>(VectorMath.Exp2<V128<float>, float>(V128<float>.Broadcast(x))),
                First<V256<float>, float>(VectorMath.Exp2<V256<float>, float>(V256<float>.Broadcast(x))),
                First<V512<float>, float>(VectorMath.Exp2<V512<float>, float>(V512<float>.Broadcast(x))));
            AssertSameBits(
                x,
                First<V1<float>, float>(VectorMath.Softplus<V1<float>, float>(V1<float>.Broadcast(x))),
                First<V128<float>, float>(VectorMath.Softplus<V128<float>, float>(V128<float>.Broadcast(x))),
                First<V256<float>, float>(VectorMath.Softplus<V256<float>, float>(V256<float>.Broadcast(x))),
                First<V512<float>, float>(VectorMath.Softplus<V512<float>, float>(V512<float>.Broadcast(x))));
            AssertSameBits(
                x,
                First<V1<float>, float>(VectorMath.Sigmoid<V1<float>, float>(V1<float>.Broadcast(x))),
                First<V128<float>, float>(VectorMath.Sigmoid<V128<float>, float>(V128<float>.Broadcast(x))),
                First<V256<float>, float>(VectorMath.Sigmoid<V256<float>, float>(V256<float>.Broadcast(x))),
                First<V512<float>, float>(VectorMath.Sigmoid<V512<float>, float>(V512<float>.Broadcast(x))));
        }
    }

    private static void AssertSameBits(float x, params float[] widths) =>
        Assert.True(widths.All(value => value == widths[0]), $"widths differ at {x:R}: {string.Join(", ", widths)}");

    private static void AssertNotANumber<V, T>(T nan)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        V x = V.Broadcast(nan);
        Assert.True(T.IsNaN(First<V, T>(VectorMath.Exp2<V, T>(x))));
        Assert.True(T.IsNaN(First<V, T>(VectorMath.Exp<V, T>(x))));
        Assert.True(T.IsNaN(First<V, T>(VectorMath.Log1P<V, T>(x))));
        Assert.True(T.IsNaN(First<V, T>(VectorMath.Softplus<V, T>(x))));
        Assert.True(T.IsNaN(First<V, T>(VectorMath.Sigmoid<V, T>(x))));
    }

    private static T First<V, T>(V vector)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged
    {
        T* lanes = stackalloc T[16];
        vector.Store(lanes);
        return lanes[0];
    }
}
