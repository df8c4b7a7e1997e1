using MambaExt.Fscil.Losses;
using MambaExt.Tests.Shared;
using MambaExt.Vision;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Losses;

public sealed class ScanLossesTests : TensorTests
{
    private const int B = 4, K = 2, L = 3, R = 2, N = 5, D = 6;
    private static readonly ScanLossOptions On = new() { suppress_base = 3, suppress_novel = 0.5, separate = 0.7 };
    private static readonly bool[] Novel = [false, true, true, false];

    [Theory]
    [InlineData("published")]
    [InlineData("per_sample")]
    public void The_total_equals_plain_loops(string form)
    {
        Scan2dSignals s = Signals();
        double expected = (3 * Gate(s.z, false, form)) - (0.5 * Gate(s.z, true, form)) + Apart(s.dt_low, R) + Apart(s.B, N) + Apart(s.C, N);
        Assert.Equal(expected, ScanLosses.Total(s, tensor(Novel), On with { form = form })!.item<double>(), 1e-12);
    }

    [Theory]
    [InlineData("published")]
    [InlineData("per_sample")]
    public void Gradients_agree_with_finite_differences(string form)
    {
        Scan2dSignals s = Signals(), step = Signals();
        foreach (Tensor t in All(s))
        {
            t.requires_grad_();
        }

        ScanLosses.Total(s, tensor(Novel), On with { form = form })!.backward();
        for (int i = 0; i < 4; i++)
        {
            double above = At(i, 1e-6), below = At(i, -1e-6), expected = (above - below) / 2e-6;
            double found = (All(s)[i].grad! * All(step)[i]).sum().item<double>();
            Assert.True(Math.Abs(expected - found) < 1e-6 * (1 + Math.Abs(expected)), $"signal {i}: {found} where differences give {expected}");
        }

        double At(int which, double size)
        {
            using IDisposable _ = no_grad();
            Tensor[] moved = [.. All(s).Select((t, i) => i == which ? t + (All(step)[i] * size) : t)];
            return ScanLosses.Total(new Scan2dSignals(moved[0], moved[1], moved[2], moved[3]), tensor(Novel), On with { form = form })!.item<double>();
        }
    }

    [Theory]
    [InlineData("published")]
    [InlineData("per_sample")]
    public void At_a_gate_of_zero_value_and_gradient_are_zero(string form)
    {
        Scan2dSignals s = Signals() with { z = zeros(B, L, D, ScalarType.Float32).requires_grad_() };
        Tensor loss = ScanLosses.Total(s, tensor(Novel), new ScanLossOptions { suppress_base = 100, suppress_novel = 10, separate = 0, form = form })!;
        loss.backward();
        Assert.Equal(0, loss.item<float>());
        TensorAssert.Same(zeros_like(s.z), s.z.grad);
    }

    [Fact]
    public void A_batch_without_novel_or_without_base_samples_has_what_is_left()
    {
        Scan2dSignals s = Signals();
        Tensor none = tensor(new bool[B]), all = tensor(Enumerable.Repeat(true, B).ToArray());
        Assert.Equal(3 * s.z.norm().item<double>() / s.z.numel(), ScanLosses.Total(s, none, On)!.item<double>(), 1e-12);
        Assert.Equal(-0.5 * s.z.norm().item<double>() / s.z.numel(), ScanLosses.Total(s, all, On)!.item<double>(), 1e-12);
        Assert.Null(ScanLosses.Total(s, none, On with { suppress_base = 0 }));
        Assert.Null(ScanLosses.Total(s, tensor(Novel), new ScanLossOptions { suppress_base = 0, suppress_novel = 0, separate = 0 }));
    }

    [Fact]
    public void Per_sample_a_batch_twice_as_large_weighs_the_same_and_published_it_does_not()
    {
        Tensor z = Draw(B, L, D), twice = cat([z, z], 0), few = tensor(new[] { 0L, 3 }), many = tensor(new[] { 0L, 3, 4, 7 });
        Assert.Equal(Value(z, few, "per_sample"), Value(twice, many, "per_sample"), 1e-12);
        Assert.Equal(Value(z, few, "published") / Math.Sqrt(2), Value(twice, many, "published"), 1e-12);

        static double Value(Tensor gate, Tensor which, string form) => ScanLosses.Suppression(gate, which, 1, form)!.item<double>();
    }

    [Fact]
    public void Separation_alone_is_the_sum_of_its_three_terms()
    {
        Scan2dSignals s = Signals();
        Assert.Equal((Apart(s.dt_low, R) + Apart(s.B, N) + Apart(s.C, N)) / 0.7 * 0.2, ScanLosses.Separation(s, tensor(Novel), 0.2)!.item<double>(), 1e-12);
        Assert.Null(ScanLosses.Separation(s, tensor(Novel), 0));
        Assert.Null(ScanLosses.Separation(s, tensor(new bool[B]), 0.2));
    }

    [Fact]
    public void Separation_is_zero_at_a_right_angle_and_half_the_weight_for_the_same_direction()
    {
        Tensor signal = zeros(2, 1, 1, 3, ScalarType.Float64);
        signal[0, 0, 0, 0] = 2;
        signal[1, 0, 0, 1] = 5;
        Tensor old = tensor(new[] { 0L }), recent = tensor(new[] { 1L });
        Assert.Equal(0, ScanLosses.Separation(signal, old, recent, 0.8)!.item<double>(), 1e-15);
        Assert.Equal(0.4, ScanLosses.Separation(signal, old, old, 0.8)!.item<double>(), 1e-12);
    }

    private static Scan2dSignals Signals() => new(Draw(B, K, L, R), Draw(B, K, L, N), Draw(B, K, L, N), Draw(B, L, D));

    private static Tensor[] All(Scan2dSignals s) => [s.dt_low, s.B, s.C, s.z];

    private static double Gate(Tensor z, bool novel, string form)
    {
        double squares = 0, roots = 0;
        int samples = 0;
        for (int b = 0; b < B; b++)
        {
            if (Novel[b] != novel)
            {
                continue;
            }

            double own = 0;
            for (int l = 0; l < L; l++)
            {
                for (int d = 0; d < D; d++)
                {
                    own += Math.Pow(z[b, l, d].item<double>(), 2);
                }
            }

            squares += own;
            roots += Math.Sqrt(own / (L * D));
            samples++;
        }

        return form == "published" ? Math.Sqrt(squares) / (samples * L * D) : roots / samples;
    }

    private static double Apart(Tensor signal, int width)
    {
        double[] old = new double[width], recent = new double[width];
        for (int b = 0; b < B; b++)
        {
            for (int k = 0; k < K; k++)
            {
                for (int l = 0; l < L; l++)
                {
                    for (int n = 0; n < width; n++)
                    {
                        (Novel[b] ? recent : old)[n] += signal[b, k, l, n].item<double>();
                    }
                }
            }
        }

        double dot = old.Zip(recent).Sum(p => p.First * p.Second), one = Math.Sqrt(old.Sum(v => v * v)), other = Math.Sqrt(recent.Sum(v => v * v));

        // The mean over the four entries of |I - Gram| of two unit vectors.
        return 0.7 * Math.Abs(dot / one / other) / 2;
    }
}
