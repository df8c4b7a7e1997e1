using System.Numerics;
using Xunit;

namespace MambaExt.Kernels.Tests;

public unsafe class SparseFeaturesTests
{
    [Theory]
    [InlineData(1, 1, 0, 4)]
    [InlineData(20, 30, 90, 1)]
    [InlineData(20, 30, 90, 33)]
    [InlineData(50, 7, 200, 256)]
    public void Forward_and_gradient_equal_the_dense_product(int vertices, int features, int filled, int channels)
    {
        var c = new CsrCase(6, vertices, features, filled, channels);
        foreach (int bits in CausalConv1dTests.Widths)
        {
            AssertDense<float>(c, new(2, bits), 2e-6);
            AssertDense<double>(c, new(1, bits), 1e-14);
        }
    }

    private static void AssertDense<T>(CsrCase c, KernelOptions options, double tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var dense = new double[c.Rows, c.Columns];
        for (int e = 0; e < c.Targets.Length; e++)
        {
            dense[c.Sources[e], c.Targets[e]] += c.Weights[e];
        }

        var expectedY = new double[c.Rows * c.Channels];
        var expectedGradient = new double[c.Columns * c.Channels];
        for (int v = 0; v < c.Rows; v++)
        {
            for (int f = 0; f < c.Columns; f++)
            {
                for (int k = 0; k < c.Channels; k++)
                {
                    expectedY[(v * c.Channels) + k] += dense[v, f] * c.X[(f * c.Channels) + k];
                    expectedGradient[(f * c.Channels) + k] += dense[v, f] * c.DY[(v * c.Channels) + k];
                }
            }
        }

        using var offsets = new NativeArray<long>(c.Offsets);
        using var columns = new NativeArray<int>(c.Targets);
        using NativeArray<T> values = NativeArray<T>.Of(c.Weights), weight = NativeArray<T>.Of(c.X), dy = NativeArray<T>.Of(c.DY);
        using NativeArray<T> y = new(c.DY.Length), dweight = new(c.X.Length);
        var rows = new CsrRows(c.Rows, c.Columns, offsets.Pointer, columns.Pointer);
        using var transpose = new CsrTranspose(rows);
        SparseFeatures.Forward(rows, values.Pointer, weight.Pointer, c.Channels, y.Pointer, options);
        SparseFeatures.WeightGradient(transpose.Rows, values.Pointer, dy.Pointer, c.Channels, dweight.Pointer, options);
        Compare.Close(expectedY, y.ToDoubles(), tolerance, "y");
        Compare.Close(expectedGradient, dweight.ToDoubles(), tolerance, "dweight");
    }
}
