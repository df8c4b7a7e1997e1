using Xunit;

namespace MambaExt.Kernels.Tests;

/// <summary>Tensors are compared by their own largest magnitude: <c>max |a - b| at most tolerance * max |b|</c>.</summary>
internal static class Compare
{
    public static void Close(double[] expected, double[] actual, double tolerance, string what)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} elements, expected {expected.Length}");
        double largest = expected.Select(Math.Abs).DefaultIfEmpty(0).Max();
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(expected[i] - actual[i]) <= (tolerance * largest) + 1e-25))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R}, tolerance {tolerance} of {largest}");
            }
        }
    }

    /// <summary>Exactly equal, element by element.</summary>
    public static void Same(double[] expected, double[] actual, string what)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} elements, expected {expected.Length}");
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.DoubleToInt64Bits(expected[i]) != BitConverter.DoubleToInt64Bits(actual[i]))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]:R}, expected the bits of {expected[i]:R}");
            }
        }
    }

    /// <summary>Random numbers that float and double share, so that both are checked on the same inputs.</summary>
    public static double[] Random(Random random, long count) =>
        [.. Enumerable.Range(0, (int)count).Select(_ => (double)(float)((random.NextDouble() * 2) - 1))];
}
