using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Features;

/// <summary>What the backbone is trained by: under a simplex, together with a projector, and under a cosine classifier.</summary>
public sealed class BaseTrainerTests : TensorTests
{
    private const int B = 6, Base = 4, Most = 7, Width = 12;

    // Class 3 of the data is class 0 of the protocol, and so on.
    private static readonly long[] ClassOf = [1, 2, 3, 0], Labels = [3, 0, 3, 3, 1, 2], Partners = [0, 0, 1, 3, 2, 3];
    private static readonly float[] Shares = [0.3f, 1, 0.8f, 0.25f, 0.6f, 0];

    [Theory]
    [InlineData("nc", false, false, false)]
    [InlineData("nc", true, false, false)]
    [InlineData("nc", true, true, false)]
    [InlineData("nc", false, true, true)]
    [InlineData("mamba", true, true, true)]
    public void The_loss_equals_a_plain_loop(string head, bool balanced, bool mixed, bool extra)
    {
        FscilRecipe recipe = Recipe(head, balanced, extra);
        using var network = new BaseNetwork(recipe, Base, Most);
        network.eval();
        Tensor pixels = rand(B, 1, 8, 8);
        double[][] f = Rows(network.Features(pixels)), m = Rows(network.Etf!.Columns.t());
        long[] own = [.. Labels.Select(y => ClassOf[y])], other = [.. Partners.Select(y => ClassOf[y])];
        double expected = 0;
        for (int i = 0; i < B; i++)
        {
            double share = mixed ? Shares[i] : 1;
            expected += share * Term(i, own) / B;
            expected += mixed ? (1 - share) * Term(i, other) / B : 0;
            expected += mixed && extra && share < 1 ? Term(i, own) / B : 0;
        }

        Assert.Equal(expected, Loss(network, recipe, pixels, mixed).item<float>(), 1e-5);

        double Term(int i, long[] classes)
        {
            double norm = Math.Sqrt(f[i].Sum(v => v * v)), dot = 0;
            for (int d = 0; d < Width; d++)
            {
                dot += f[i][d] / norm * m[classes[i]][d];
            }

            // gamma / n: all classes of the batch alike.
            double weight = balanced ? (double)B / classes.Distinct().Count() / classes.Count(k => k == classes[i]) : 1;
            return 5 * weight * (dot - 1) * (dot - 1);
        }
    }

    [Theory]
    [InlineData("nc", false)]
    [InlineData("nc", true)]
    [InlineData("mamba", true)]
    public void Gradients_of_backbone_and_projector_agree_with_finite_differences(string head, bool mixed)
    {
        FscilRecipe recipe = Recipe(head, balanced: true, extra: false);
        using var network = new BaseNetwork(recipe, Base, Most);
        network.to(ScalarType.Float64);
        network.eval();
        Tensor pixels = rand(B, 1, 8, 8, ScalarType.Float64);
        Loss(network, recipe, pixels, mixed).backward();
        foreach (string part in new[] { "backbone.", "projector." })
        {
            (string Name, Tensor Value, Tensor Step)[] moved =
            [
                .. network.named_parameters().Where(p => p.name.StartsWith(part, StringComparison.Ordinal) && p.parameter.grad is not null).Select(p => (p.name, (Tensor)p.parameter, p.parameter.grad!.detach() / p.parameter.grad!.norm())),
            ];
            Assert.NotEmpty(moved);

            // Uphill, as far as changes the loss by a thousandth: features enter it in float32, and differences of it are as exact as that.
            double found = moved.Sum(p => (p.Value.grad! * p.Step).sum().item<double>()), size = 1e-3 / found, expected = (At(moved, size) - At(moved, -size)) / 2 / size;
            Assert.True(found > 0.05, $"{part} {found}");
            Assert.True(Math.Abs(expected - found) < 0.01 * found, $"{part} {found} where differences give {expected}");
        }

        double At((string Name, Tensor Value, Tensor Step)[] moved, double size)
        {
            using IDisposable _ = no_grad();
            Array.ForEach(moved, p => p.Value.add_(p.Step * size));
            double loss = Loss(network, recipe, pixels, mixed).item<double>();
            Array.ForEach(moved, p => p.Value.sub_(p.Step * size));
            return loss;
        }
    }

    [Fact]
    public void Everything_but_the_simplex_and_the_branch_of_later_sessions_learns()
    {
        foreach (string head in new[] { "nc", "mamba" })
        {
            FscilRecipe recipe = Recipe(head, balanced: false, extra: false);
            using var network = new BaseNetwork(recipe, Base, Most);
            network.train();
            Tensor etf = network.Etf!.Columns.clone();
            Loss(network, recipe, rand(B, 1, 8, 8), mixed: false).backward();
            Assert.IsType(head == "nc" ? typeof(MlpProjector) : typeof(MambaProjector), network.Projector);
            Assert.All(network.named_parameters(), p => Assert.Equal((p.name, !p.name.StartsWith("projector.g_inc.", StringComparison.Ordinal)), (p.name, p.parameter.grad is { } g && g.abs().max().item<float>() > 0)));
            TensorAssert.Same(etf, network.Etf!.Columns);
            Assert.DoesNotContain(network.named_parameters(), p => p.name.Contains("etf", StringComparison.Ordinal) || p.name == "head");
        }
    }

    [Theory]
    [InlineData("cosine")]
    [InlineData("nc")]
    public void The_backbone_goes_its_share_of_the_way_and_a_frozen_stem_stays_as_it_is(string head)
    {
        FscilRecipe recipe = Digits.Recipe();
        recipe = recipe with { training = recipe.training with { head = head, epochs = 1, steps = 1, warmup_steps = 0, momentum = 0, weight_decay = 0, schedule = "constant", choose = "last" } };
        Dictionary<string, Tensor> none = Trained(0), part = Trained(0.1), whole = Trained(1), stem = Trained(1, freeze: true);
        int moved = 0;
        foreach (var (name, value) in whole)
        {
            Tensor step = value - none[name];
            if (!name.StartsWith("backbone.", StringComparison.Ordinal))
            {
                TensorAssert.Same(value, part[name], name);
                continue;
            }

            double norm = Math.Max(1e-12, step.norm().item<double>());
            TensorAssert.Close(step * 0.1 / norm, (part[name] - none[name]) / norm, 2e-3, name);
            moved += norm > 1e-4 ? 1 : 0;
            bool early = new[] { "backbone.conv1.", "backbone.bn1.", "backbone.layer1." }.Any(p => name.StartsWith(p, StringComparison.Ordinal));
            Assert.Equal((name, early), (name, stem[name].Equals(none[name])));
        }

        Assert.True(moved > 10, $"{moved}");

        Dictionary<string, Tensor> Trained(double share, bool freeze = false)
        {
            FscilRecipe own = recipe with { training = recipe.training with { backbone_share = share }, backbone = recipe.backbone with { freeze_stem = freeze } };
            using BaseNetwork network = BaseTrainer.Run(Digits.Data(0), own, 10, 3, new TransientHost(null)).Network;
            Dictionary<string, Tensor> statistics = network.named_buffers().Where(b => b.name.EndsWith("running_mean", StringComparison.Ordinal)).ToDictionary(b => b.name, b => b.buffer);
            Assert.Equal(freeze, statistics["backbone.bn1.running_mean"].abs().max().item<float>() == 0);
            Assert.NotEqual(0, statistics["backbone.layer4.0.bn1.running_mean"].abs().max().item<float>());
            return network.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().to_type(ScalarType.Float64, copy: true));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Under_a_cosine_head_the_loss_is_smoothed_cross_entropy_of_both_classes(bool mixed)
    {
        FscilRecipe recipe = Recipe("cosine", false, false);
        recipe = recipe with { training = recipe.training with { label_smoothing = 0.2, scale = 5 } };
        using var network = new BaseNetwork(recipe, Base, Most);
        network.eval();
        Tensor pixels = rand(B, 1, 8, 8);
        double[][] f = Rows(network.Maps(pixels).mean([1L, 2L])), w = Rows(network.named_parameters().Single(p => p.name == "head").parameter);
        double expected = 0;
        for (int i = 0; i < B; i++)
        {
            double[] scores = [.. w.Select(row => 5 * row.Zip(f[i], (a, b) => a * b).Sum() / Math.Sqrt(row.Sum(v => v * v)) / Math.Sqrt(f[i].Sum(v => v * v)))];
            double all = Math.Log(scores.Sum(Math.Exp)), share = mixed ? Shares[i] : 1;
            for (int k = 0; k < Base; k++)
            {
                double target = 0.8 * ((ClassOf[Labels[i]] == k ? share : 0) + (ClassOf[Partners[i]] == k ? 1 - share : 0));
                expected -= (target + (0.2 / Base)) * (scores[k] - all) / B;
            }
        }

        Assert.Equal(expected, Loss(network, recipe, pixels, mixed).item<float>(), 1e-5);
    }

    [Theory]
    [InlineData("nc")]
    [InlineData("mamba")]
    public void Trained_in_bfloat16_the_simplex_is_what_it_was_drawn_as(string head)
    {
        FscilRecipe recipe = Digits.Recipe();
        recipe = recipe with { training = recipe.training with { head = head, epochs = 2, batch_size = 128, augment = "none", precision = "bfloat16" } };
        var (network, outcome) = BaseTrainer.Run(Digits.Data(0), recipe, 10, 3, new TransientHost(null));
        using (network)
        {
            Assert.Equal(2, outcome.Epochs);
            Assert.All(network.named_parameters(), p => Assert.Equal((p.name, ScalarType.Float32), (p.name, p.parameter.dtype)));

            // Rounded to eight bits, its cosines would be right to two places.
            Tensor m = network.Etf!.Columns.to_type(ScalarType.Float64), cosines = (eye(10, dtype: ScalarType.Float64) * (10.0 / 9)) - (1.0 / 9);
            TensorAssert.Close(cosines, m.t().matmul(m), 1e-6);
        }
    }

    [Fact]
    public void The_projector_of_nc_is_its_mlp_on_the_mean_of_the_map_in_loops()
    {
        const int C = 5, Hidden = 4, D = 3;
        foreach (int depth in new[] { 2, 3 })
        {
            using var projector = new MlpProjector(new MapSize(2, 3, C), new ProjectorOptions { width = D, hidden = Hidden, depth = depth });
            projector.to(ScalarType.Float64);
            Dictionary<string, Tensor> p = projector.named_parameters().ToDictionary(x => x.name, x => (Tensor)x.parameter);
            using (no_grad())
            {
                // Not as they begin: a norm of weight 1 and bias 0 would hide both.
                p.Values.ToList().ForEach(t => t.add_(randn_like(t) * 0.3));
            }

            Tensor maps = Draw(2, 2, 3, C), result = projector.forward(maps);
            Assert.Equal([2, D], result.shape);
            for (int b = 0; b < 2; b++)
            {
                double[] x = [.. Enumerable.Range(0, C).Select(c => Enumerable.Range(0, 6).Average(at => maps[b, at / 3, at % 3, c].item<double>()))];
                for (int k = 1; k < depth; k++)
                {
                    x = Normed([.. Times(p[$"mlp.linear{k}.weight"], x).Select((v, o) => v + p[$"mlp.linear{k}.bias"][o].item<double>())], k);
                }

                TensorAssert.Close(tensor(Times(p["mlp.output.weight"], x)), result[b], 1e-10);
            }

            double[] Normed(double[] x, int k)
            {
                double mean = x.Average(), deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + 1e-5);
                Tensor weight = p[$"mlp.norm{k}.weight"].flatten(), bias = p[$"mlp.norm{k}.bias"].flatten();
                return [.. x.Select((v, o) => ((v - mean) / deviation * weight[o].item<double>()) + bias[o].item<double>()).Select(v => v < 0 ? 0.1 * v : v)];
            }
        }

        static double[] Times(Tensor weight, double[] x) => [.. Enumerable.Range(0, (int)weight.shape[0]).Select(o => Enumerable.Range(0, x.Length).Sum(i => weight[o, i].item<double>() * x[i]))];
    }

    private static FscilRecipe Recipe(string head, bool balanced, bool extra) => new()
    {
        backbone = new() { name = "small", width = 4, image_size = 8, channels = 1 },
        projector = new() { width = Width, hidden = 10, d_state = 3, dt_rank = 2 },
        training = new() { head = head, balanced = balanced, mixed_extra_term = extra },
    };

    private static Tensor Loss(BaseNetwork network, FscilRecipe recipe, Tensor pixels, bool mixed) => BaseTrainer.Loss(
        network, new ImageBatch([.. Enumerable.Range(0, B)], new int[B], pixels.clone(), tensor(Labels), mixed ? tensor(Partners) : null, mixed ? tensor(Shares) : null), recipe.training, tensor(ClassOf), null);

    private static double[][] Rows(Tensor t) => [.. Enumerable.Range(0, (int)t.shape[0]).Select(i => t[i].detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray())];
}
