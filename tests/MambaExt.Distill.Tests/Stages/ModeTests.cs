using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

public sealed class ModeTests
{
    [Fact]
    public void Prefixes_are_what_each_mode_says()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1);
        Tensor before = randn(3, 4), own = randn(3, 4), scales = tensor(new[] { 0.7f, 1.9f });
        TensorAssert.Close((before * 0.7) + (own * 1.9), StageMode.Of("joint").Combine(before, own, 3, scales), 1e-6);
        TensorAssert.Close(own * 1.9, StageMode.Of("joint").Combine(null, own, 1, scales), 1e-6);
        TensorAssert.Close(before + own, StageMode.Of("residual").Combine(before, own, 3, scales), 1e-6);
        TensorAssert.Close(((before * 2) + own) / 3, StageMode.Of("boosted").Combine(before, own, 3, scales), 1e-6);
        Tensor mean = StageMode.Of("independent").Combine(before, own, 3, scales);
        TensorAssert.Close(((softmax(before, 1) * 2) + softmax(own, 1)) / 3, softmax(mean, 1), 1e-6);
        TensorAssert.Close(zeros(3), mean.logsumexp(1), 1e-6);
        Refusal.Of<ArgumentException>(() => StageMode.Of("joined"), "no mode 'joined'", "did you mean joint");
    }

    [Fact]
    public void Joint_loss_is_that_of_prefix_and_student()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        StageInputs x = Inputs();
        Tensor prefix = (x.Before! * 0.7) + (x.Own * 1.9);
        double expected = Of(prefix) + (0.25 * Of(x.Own));
        Assert.Equal(expected, Total(StageMode.Of("joint"), x), 1e-5);
        Assert.Equal(Of(x.Own), Total(StageMode.Of("independent"), x), 1e-5);
        Assert.Equal((x.Own - (x.Compared.Teacher! - x.Before!)).square().mean().ToDouble(), Total(StageMode.Of("residual"), x), 1e-5);

        double Of(Tensor logits) => (0.3 * nn.functional.cross_entropy(logits, x.Compared.Labels!).ToDouble()) + (0.7 * new HintonKd(2).Of(x.Compared with { Logits = logits }).ToDouble());
    }

    [Fact]
    public void Each_part_is_counted_apart()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        var losses = LossTerm.Parse("ce:0.3,kd:0.7:temperature=2");
        using var module = new StageModule(Support.Pictures.Like.WithSize("4x4x2x1"), losses.Select(l => l.Create()), StageMode.Of("joint").Parts(3, ["ce", "kd"]));
        StageInputs x = Inputs();
        (string Name, double Weight, Tensor Value)[] parts = [.. StageMode.Of("joint").Loss(x)];
        module.Sum([.. parts.Select(p => (p.Name, p.Weight, p.Value + 1))], 7, epoch: 1);
        Tensor sum = module.Sum(parts, 3, epoch: 2);
        module.Sum([.. parts.Select(p => (p.Name, p.Weight, p.Value * 2))], 5, epoch: 2);
        Assert.Equal(["prefix.ce", "prefix.kd", "solo.ce", "solo.kd"], parts.Select(p => p.Name));
        Assert.Equal(parts.Sum(p => p.Weight * p.Value.ToDouble()), sum.ToDouble(), 1e-5);
        IReadOnlyDictionary<string, double> terms = module.Terms();
        Assert.All(parts, part => Assert.Equal(part.Value.ToDouble() * ((3 + (2 * 5)) / 8.0), terms[part.Name], 1e-5));

        // A checkpoint keeps the sums.
        Assert.Contains("term_sums", module.named_buffers().Select(b => b.name));
    }

    [Theory]
    [InlineData("joint")]
    [InlineData("residual")]
    [InlineData("boosted")]
    [InlineData("independent")]
    public void Names_of_the_parts_are_known_beforehand(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        StageMode mode = StageMode.Of(name);
        StageInputs x = Inputs();
        Assert.Equal(mode.Parts(1, ["ce", "kd"]), mode.Loss(x with { Stage = 1, Before = null }).Select(p => p.Name));
        Assert.Equal(mode.Parts(3, ["ce", "kd"]), mode.Loss(x with { BoostWeights = zeros(6, 4) }).Select(p => p.Name));
    }

    private static StageInputs Inputs()
    {
        Tensor own = randn(6, 4);
        return new StageInputs(
            3, own, new LossInputs(own) { Teacher = randn(6, 4), Labels = randint(4, [6], ScalarType.Int64) }, [(new CrossEntropy(), 0.3), (new HintonKd(2), 0.7)])
        {
            Before = randn(6, 4), Scales = tensor(new[] { 0.7f, 1.9f }), SoloWeight = 0.25, Samples = 6,
        };
    }

    private static double Total(StageMode mode, StageInputs x) => mode.Loss(x).Sum(part => part.Weight * part.Value.ToDouble());
}
