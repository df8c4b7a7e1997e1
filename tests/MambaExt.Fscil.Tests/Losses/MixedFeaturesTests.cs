using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Methods;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Losses;

/// <summary>Dot-regression of features that are mixed within a batch.</summary>
public sealed class MixedFeaturesTests : TensorTests
{
    private const int B = 6, D = 7, Classes = 5;

    // Not one half: that would hide which of the two classes counts for which part.
    private const double Own = 0.3;
    private static readonly long[] Labels = [4, 2, 4, 4, 0, 2];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_equals_plain_loops_over_samples_and_their_partners(bool balanced)
    {
        using var etf = new SimplexEtf(D, Classes);
        Tensor features = Draw(B, D);
        double[][] f = Rows(features), m = Rows(etf.Columns.t().to_type(ScalarType.Float64));
        int moved = 0;
        for (int step = 0; step < 5; step++)
        {
            int[] partners = Partners(step);
            double expected = 0;
            for (int i = 0; i < B; i++)
            {
                double[] mixed = [.. Enumerable.Range(0, D).Select(d => (Own * f[i][d]) + ((1 - Own) * f[partners[i]][d]))];
                double norm = Math.Sqrt(mixed.Sum(v => v * v));
                foreach (var (label, share) in new[] { (Labels[i], Own), (Labels[partners[i]], 1 - Own) })
                {
                    // Another order of the batch holds as many of each class.
                    double weight = balanced ? (double)B / 3 / Labels.Count(y => y == label) : 1, dot = 0;
                    for (int d = 0; d < D; d++)
                    {
                        dot += mixed[d] / norm * m[label][d];
                    }

                    expected += share * weight * 10 / 2 * (dot - 1) * (dot - 1) / B;
                }
            }

            Assert.Equal(expected, Loss(etf, features, step, balanced).item<double>(), 1e-10);
            moved += partners.Where((p, i) => Labels[p] != Labels[i]).Count();
        }

        Assert.True(moved > 5, "partners are of other classes");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_agree_with_finite_differences(bool balanced)
    {
        using var etf = new SimplexEtf(D, Classes);
        Tensor features = Draw(B, D).requires_grad_();
        Loss(etf, features, 1, balanced).backward();
        for (int i = 0; i < B; i++)
        {
            // A sample at a time: it comes into the loss as itself and as a partner.
            Tensor step = zeros_like(features);
            step[i] = Draw(D);
            double expected = (At(step * 1e-6) - At(step * -1e-6)) / 2e-6, found = (features.grad! * step).sum().item<double>();
            Assert.Equal(expected, found, 1e-7 * (1 + Math.Abs(expected)));
            Assert.True(Math.Abs(found) > 1e-4, $"sample {i}: {found}");
        }

        double At(Tensor step)
        {
            using IDisposable _ = no_grad();
            return Loss(etf, features + step, 1, balanced).item<double>();
        }
    }

    [Fact]
    public void Not_mixed_it_is_the_loss_of_the_features_as_they_are()
    {
        using var etf = new SimplexEtf(D, Classes);
        Tensor features = Draw(B, D), labels = tensor(Labels);
        Assert.Null(new FeatureMixup(0).Mix(features, labels, 3, 0));
        double plain = ProjectorMethod.Dot(etf, features, labels, null, balanced: true).item<double>();
        Assert.Equal(Fscil.Losses.DotRegression.Loss(features, etf.Of(labels), labels, balanced: true).item<double>(), plain, 1e-15);
        Assert.True(Math.Abs(plain - Loss(etf, features, 1, balanced: true).item<double>()) > 1e-3);
    }

    /// <summary>Where a sample's partner is: mixed, rows of the identity show it.</summary>
    private static int[] Partners(int step)
    {
        double[][] rows = Rows(new FeatureMixup(1, Own).Mix(eye(B, dtype: ScalarType.Float64), tensor(Labels), 3, step)!.Features);
        return [.. rows.Select((row, i) => row[i] > 0.99 ? i : Array.FindIndex(row, v => Math.Abs(v - (1 - Own)) < 1e-12))];
    }

    private static Tensor Loss(SimplexEtf etf, Tensor features, int step, bool balanced)
    {
        Tensor labels = tensor(Labels);
        return ProjectorMethod.Dot(etf, features, labels, new FeatureMixup(1, Own).Mix(features, labels, 3, step), balanced);
    }

    private static double[][] Rows(Tensor t) => [.. Enumerable.Range(0, (int)t.shape[0]).Select(i => t[i].contiguous().data<double>().ToArray())];
}
