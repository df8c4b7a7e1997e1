using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

public sealed class BoostTests
{
    private const int Samples = 9, Classes = 4, Rounds = 5;

    [Fact]
    public void Weights_are_those_of_the_two_tables_unrolled()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1);
        const double bound = 8;
        double eta = BoostWeights.Eta(Samples, Rounds, bound);
        Assert.Equal(Math.Sqrt(2 * Math.Log(18) / 5) / 8, eta, 12);
        Tensor teacher = randn([Samples, Classes], ScalarType.Float64) * 2, mean = zeros([Samples, Classes], ScalarType.Float64);
        double[,] plus = new double[Samples, Classes], minus = new double[Samples, Classes];
        for (int j = 0; j < Classes; j++)
        {
            for (int i = 0; i < Samples; i++)
            {
                plus[i, j] = minus[i, j] = 1.0 / (2 * Samples);
            }
        }

        for (int t = 1; t <= Rounds; t++)
        {
            Tensor weights = BoostWeights.Of(teacher, mean, eta, t - 1), student = randn([Samples, Classes], ScalarType.Float64) * 2;
            for (int j = 0; j < Classes; j++)
            {
                for (int i = 0; i < Samples; i++)
                {
                    Assert.Equal(plus[i, j] - minus[i, j], weights[i, j].ToDouble(), 1e-14);
                }
            }

            // The tables, multiplied and brought to sum 1 column by column.
            Tensor d = student - teacher;
            for (int j = 0; j < Classes; j++)
            {
                double sum = 0;
                for (int i = 0; i < Samples; i++)
                {
                    double step = eta * d[i, j].ToDouble();
                    sum += (plus[i, j] *= Math.Exp(-step)) + (minus[i, j] *= Math.Exp(step));
                }

                for (int i = 0; i < Samples; i++)
                {
                    plus[i, j] /= sum;
                    minus[i, j] /= sum;
                }
            }

            mean = ((mean * (t - 1)) + student) / t;
        }
    }

    [Fact]
    public void Weights_stay_finite_behind_a_long_run_of_errors()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weights = BoostWeights.Of(tensor(new[,] { { 5000f }, { 0f }, { -3f } }), zeros(3, 1), 1, 9);
        TensorAssert.Close(tensor(new[,] { { 1f }, { 0f }, { 0f } }), weights, 1e-6);
    }

    [Fact]
    public void Barrier_pays_for_the_weighted_margin()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        var mode = new BoostedMode(10);
        Tensor own = randn(Samples, Classes), teacher = randn(Samples, Classes), weights = (rand(Samples, Classes) - 0.5) / Samples;
        var inputs = new StageInputs(2, own, new LossInputs(own) { Teacher = teacher }, []) { Scales = tensor(new[] { 1f, 1f }), BoostWeights = weights, Samples = 2 * Samples };
        double expected = 0;
        for (int j = 0; j < Classes; j++)
        {
            double m = 0;
            for (int i = 0; i < Samples; i++)
            {
                m += weights[i, j].ToDouble() * (own[i, j].ToDouble() - teacher[i, j].ToDouble());
            }

            // Bd is 20; the batch is half of the samples.
            expected -= Math.Log(1 + (2 * m / (2 * 20)));
        }

        Assert.Equal(expected, mode.Loss(inputs).Single(part => part.Name == "boosted.barrier").Value.ToDouble(), 1e-5);
        Assert.Equal("boosted.mse", Assert.Single(mode.Loss(inputs with { BoostWeights = null })).Name);
        Tensor far = own + 100;
        Assert.True(mode.Loss(inputs with { Own = far }).Single(part => part.Name == "boosted.clip").Value.ToDouble() > 1000);
    }
}
