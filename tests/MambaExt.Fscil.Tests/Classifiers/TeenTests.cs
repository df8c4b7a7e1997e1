using MambaExt.Fscil.Classifiers;
using MambaExt.Tests.Shared;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Classifiers;

public sealed class TeenTests : TensorTests
{
    [Fact]
    public void A_novel_prototype_moves_towards_the_base_ones_it_resembles()
    {
        Tensor given = Draw(5, 6), result = Teen.Calibrate(given, 3, 4, 0.3);
        double[][] unit = [.. Enumerable.Range(0, 5).Select(k => Unit(given[k].data<double>().ToArray()))];
        for (int n = 3; n < 5; n++)
        {
            double[] weights = [.. Enumerable.Range(0, 3).Select(b => Math.Exp(4 * Dot(unit[n], unit[b])))];
            double[] drawn = Unit([.. Enumerable.Range(0, 6).Select(d => Enumerable.Range(0, 3).Sum(b => weights[b] / weights.Sum() * unit[b][d]))]);
            TensorAssert.Close(tensor(Unit([.. Enumerable.Range(0, 6).Select(d => (0.7 * unit[n][d]) + (0.3 * drawn[d]))])), result[n], 1e-12);
        }

        TensorAssert.Close(tensor(unit[1]), result[1], 1e-12);
    }

    [Fact]
    public void Without_novel_classes_or_alpha_prototypes_stay_where_they_are()
    {
        Tensor given = Draw(4, 3), unit = given / given.norm(1, keepdim: true);
        TensorAssert.Close(unit, Teen.Calibrate(given, 4, 16, 0.5), 1e-12);
        TensorAssert.Close(unit, Teen.Calibrate(given, 2, 16, 0), 1e-12);
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b).Sum(p => p.First * p.Second);

    private static double[] Unit(double[] v) => [.. v.Select(x => x / Math.Sqrt(Dot(v, v)))];
}
