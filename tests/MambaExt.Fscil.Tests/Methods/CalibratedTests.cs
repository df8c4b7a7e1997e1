using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Methods;

/// <summary>What the prototype methods score, against plain loops.</summary>
public sealed class CalibratedTests : TensorTests
{
    private const double Shrinkage = 0.3, Alpha = 0.25, Tau = 8, Bias = 0.07, Power = 0.5;

    [Fact]
    public void Whitening_undoes_the_shrunken_covariance()
    {
        Tensor draws = Draw(40, 5).matmul(Draw(5, 5)), covariance = draws.t().matmul(draws) / 40;
        double[,] s = Numbers(covariance), w = Numbers(CalibratedMethod.Whitening(covariance, Shrinkage).to_type(ScalarType.Float64)), m = Shrunken(s);
        double[,] product = Times(Times(w, m), w);
        for (int i = 0; i < 5; i++)
        {
            for (int j = 0; j < 5; j++)
            {
                Assert.Equal(i == j ? 1 : 0, product[i, j], 1e-5);
                Assert.Equal(w[i, j], w[j, i], 1e-6);
            }
        }
    }

    [Fact]
    public void The_combination_scores_as_its_definition_in_loops()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1, noise: 1.2, twoLevels: true);
        FscilRecipe recipe = Clusters.Recipe() with
        {
            backbone = new() { levels = [1, 2], level_grids = [1, 1] },
            prototypes = new() { shrinkage = Shrinkage, teen_alpha = Alpha, teen_tau = Tau, novel_bias = Bias, power = Power },
        };
        using FscilMethod method = Learn(FscilMethods.Best, recipe, features);
        Tensor score = method.Score(features.TestUntil(1));

        double[][] train = Rows(features.BaseViews[0].Levels), shots = Rows(features.Shots[0].Levels), test = Rows(features.TestUntil(1).Levels);
        int[] labels = features.BaseViews[0].Classes, shotLabels = features.Shots[0].Classes;
        double[][] powered = Raise(train), means = [.. Enumerable.Range(0, 6).Select(k => Mean(powered.Where((_, i) => labels[i] == k)))];
        double[] centre = Mean(means);

        // The memory keeps means of features as they are; the power comes behind it.
        double[][] memory = [.. Enumerable.Range(0, 8).Select(k => Raise([k < 6 ? Mean(train.Where((_, i) => labels[i] == k)) : Mean(shots.Where((_, i) => shotLabels[i] == k))])[0])];
        double[][,] whiteners = [Whitener(0), Whitener(1)];
        double[][] prototypes = Calibrated([.. memory.Select(Whitened)]);
        double[][] images = [.. Raise(test).Select(Whitened)];
        for (int i = 0; i < images.Length; i++)
        {
            for (int k = 0; k < 8; k++)
            {
                Assert.Equal(Cosine(images[i], prototypes[k]) + (k >= 6 ? Bias : 0), score[i, k].item<float>(), 2e-5);
            }
        }

        double[,] Whitener(int level)
        {
            var within = new double[12, 12];
            for (int n = 0; n < powered.Length; n++)
            {
                for (int i = 0; i < 12; i++)
                {
                    for (int j = 0; j < 12; j++)
                    {
                        int at = 12 * level;
                        within[i, j] += (powered[n][at + i] - means[labels[n]][at + i]) * (powered[n][at + j] - means[labels[n]][at + j]) / powered.Length;
                    }
                }
            }

            return Numbers(CalibratedMethod.Whitening(tensor(within), Shrinkage).to_type(ScalarType.Float64));
        }

        double[] Whitened(double[] x) =>
        [
            .. Enumerable.Range(0, 2).SelectMany(level => Unit([.. Enumerable.Range(0, 12).Select(j => Enumerable.Range(0, 12).Sum(i => (x[(12 * level) + i] - centre[(12 * level) + i]) * whiteners[level][i, j]))])),
        ];
    }

    [Fact]
    public void Plain_class_means_heed_power_centre_and_bias()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1, noise: 1.2);
        FscilRecipe recipe = Clusters.Recipe() with { prototypes = new() { teen_alpha = Alpha, teen_tau = Tau, novel_bias = Bias, power = Power, centering = true } };
        using FscilMethod teen = Learn("teen", recipe, features), euclid = Learn("ncm-euclid", recipe, features);
        Tensor score = teen.Score(features.TestUntil(1)), distances = euclid.Score(features.TestUntil(1));
        double[][] test = Raise(Rows(features.TestUntil(1).Maps.mean([1L, 2L]))), memory = Raise(Rows(teen.ClassMeans()));
        double[] centre = Mean(memory[..6]);
        double[][] prototypes = Calibrated([.. memory.Select(Away)]);
        for (int i = 0; i < test.Length; i++)
        {
            for (int k = 0; k < 8; k++)
            {
                double bias = k >= 6 ? Bias : 0;
                Assert.Equal(Cosine(Away(test[i]), prototypes[k]) + bias, score[i, k].item<float>(), 2e-5);
                Assert.Equal(bias - Math.Sqrt(test[i].Zip(memory[k], (a, b) => (a - b) * (a - b)).Sum()), distances[i, k].item<float>(), 2e-5);
            }
        }

        double[] Away(double[] x) => [.. x.Zip(centre, (a, b) => a - b)];
    }

    private static FscilMethod Learn(string name, FscilRecipe recipe, FscilFeatures features)
    {
        FscilMethod method = FscilMethods.Create(name, recipe, features.Size, 8);
        method.LearnBase(features, new MethodContext(0));
        method.Learn(features.Shots[0], 2, new MethodContext(0));
        return method;
    }

    private static double[][] Calibrated(double[][] given)
    {
        double[][] unit = [.. given.Select(Unit)];
        return
        [
            .. unit.Select((own, k) =>
            {
                if (k < 6)
                {
                    return own;
                }

                double[] weights = [.. unit[..6].Select(b => Math.Exp(Tau * Cosine(own, b)))];
                double[] drawn = Unit([.. own.Select((_, d) => unit[..6].Select((b, i) => weights[i] / weights.Sum() * b[d]).Sum())]);
                return Unit([.. own.Zip(drawn, (a, b) => ((1 - Alpha) * a) + (Alpha * b))]);
            }),
        ];
    }

    private static double[,] Shrunken(double[,] s)
    {
        int n = s.GetLength(0);
        double mean = Enumerable.Range(0, n).Average(i => s[i, i]);
        var m = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                m[i, j] = ((1 - Shrinkage) * s[i, j] / mean) + (i == j ? Shrinkage : 0);
            }
        }

        return m;
    }

    private static double[,] Times(double[,] a, double[,] b)
    {
        int n = a.GetLength(0);
        var c = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                c[i, j] = Enumerable.Range(0, n).Sum(k => a[i, k] * b[k, j]);
            }
        }

        return c;
    }

    private static double[][] Raise(double[][] rows) => [.. rows.Select(row => row.Select(v => Math.Pow(Math.Max(0, v), Power)).ToArray())];

    private static double[] Mean(IEnumerable<double[]> rows)
    {
        double[][] all = [.. rows];
        return [.. all[0].Select((_, d) => all.Average(row => row[d]))];
    }

    private static double[] Unit(double[] v) => [.. v.Select(x => x / Math.Sqrt(v.Sum(y => y * y)))];

    private static double Cosine(double[] a, double[] b) => Unit(a).Zip(Unit(b), (x, y) => x * y).Sum();

    private static double[][] Rows(Tensor t) => [.. Enumerable.Range(0, (int)t.shape[0]).Select(i => t[i].to_type(ScalarType.Float64).contiguous().data<double>().ToArray())];

    private static double[,] Numbers(Tensor t)
    {
        var values = new double[t.shape[0], t.shape[1]];
        Buffer.BlockCopy(t.contiguous().data<double>().ToArray(), 0, values, 0, (int)t.numel() * sizeof(double));
        return values;
    }
}
