using MambaExt.Fscil.Losses;
using MambaExt.Tests.Shared;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Losses;

public sealed class DotRegressionTests : TensorTests
{
    private static readonly Tensor Labels = tensor(new[] { 4L, 2, 4, 4, 0 }).DetachFromDisposeScope();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_equals_the_loop_of_its_definition(bool balanced)
    {
        Tensor features = Draw(5, 3), columns = Unit(Draw(5, 3));
        double expected = 0;
        double[,] f = Numbers(Unit(features)), m = Numbers(columns);
        long[] labels = Labels.data<long>().ToArray();
        for (int i = 0; i < 5; i++)
        {
            // Columns times r against the target r, r^2 = (batch / classes) / n: as published.
            double r = balanced ? Math.Sqrt(5.0 / 3 / labels.Count(y => y == labels[i])) : 1;
            double dot = Enumerable.Range(0, 3).Sum(d => f[i, d] * r * m[i, d]);
            expected += 10.0 / 2 * (dot - r) * (dot - r) / 5;
        }

        Assert.Equal(expected, DotRegression.Loss(features, columns, Labels, balanced).item<double>(), 1e-12);
    }

    [Fact]
    public void It_is_zero_where_features_lie_on_their_columns_and_nowhere_else()
    {
        Tensor columns = Unit(Draw(5, 8));
        Assert.Equal(0, DotRegression.Loss(columns * 7, columns, Labels, balanced: true).item<double>(), 1e-14);
        Assert.Equal(20, DotRegression.Loss(-columns, columns, Labels, balanced: false).item<double>(), 1e-12);
        Tensor other = columns.clone();
        other[3] = columns[2];
        Assert.True(DotRegression.Loss(other, columns, Labels, balanced: false).item<double>() > 1e-3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_agree_with_finite_differences(bool balanced)
    {
        Tensor features = Draw(5, 3).requires_grad_(), columns = Unit(Draw(5, 3)), step = Draw(5, 3);
        DotRegression.Loss(features, columns, Labels, balanced).backward();
        double expected = (At(1e-6) - At(-1e-6)) / 2e-6;
        Assert.Equal(expected, (features.grad! * step).sum().item<double>(), 1e-7 * (1 + Math.Abs(expected)));

        double At(double size)
        {
            using IDisposable _ = no_grad();
            return DotRegression.Loss(features + (step * size), columns, Labels, balanced).item<double>();
        }
    }

    [Fact]
    public void Balanced_every_class_of_the_batch_weighs_the_same()
    {
        Tensor weights = DotRegression.Weights(Labels);
        TensorAssert.Close(tensor(new[] { 5.0 / 9, 5.0 / 3, 5.0 / 9, 5.0 / 9, 5.0 / 3 }), weights, 1e-12);
        Assert.Equal(1, weights.mean().item<double>(), 1e-12);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused() =>
        Assert.Contains("[5, 2]", Assert.Throws<ArgumentException>(() => DotRegression.Loss(Draw(5, 3), Draw(5, 2), Labels, false)).Message, StringComparison.Ordinal);

    private static Tensor Unit(Tensor t) => t / t.norm(1, keepdim: true);

    private static double[,] Numbers(Tensor t)
    {
        var values = new double[t.shape[0], t.shape[1]];
        Buffer.BlockCopy(t.contiguous().data<double>().ToArray(), 0, values, 0, (int)t.numel() * sizeof(double));
        return values;
    }
}
