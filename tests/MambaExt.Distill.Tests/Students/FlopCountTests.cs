using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;
using MambaExt.Distill.Training;
using MambaExt.Vision;

namespace MambaExt.Distill.Tests.Students;

/// <summary>Counts against counts by hand.</summary>
public sealed class FlopCountTests
{
    private static readonly PatchMambaOptions Mnist = new();
    private static readonly PatchMambaOptions Cifar = new() { channels = 3, height = 32, width = 32 };

    [Fact]
    public void Teacher_by_hand()
    {
        // D 64, E 128, R 4, S 16, k 4, 16 tokens of 49 values, 3 blocks.
        IReadOnlyList<LayerCost> layers = FlopCount.Layers(Mnist);
        Assert.Equal(["patch_embed", "layers.0", "layers.1", "layers.2", "norm", "head"], layers.Select(l => l.name));
        Assert.Equal(16 * 2 * 49 * 64, layers[0].flops);
        long token = (4 * 64 * 128) + (2 * 128 * 64) + (2 * 128 * 4) + (2 * 128 * 36) + (2 * 4 * 128) + (7 * 128 * 16) + (4 * 128) + (5 * 64);
        Assert.Equal(75584, token);
        Assert.Equal(16 * token, layers[1].flops);
        Assert.Equal(16 * 4 * 64, layers[4].flops);
        Assert.Equal(2 * 64 * 10, layers[5].flops);
        Assert.Equal(3_733_760, FlopCount.Total(Mnist).flops);
        Assert.Equal(103_050, FlopCount.Total(Mnist).parameters);

        // The field's own: matrices and taps once, scan 9 E S + 2 E.
        Assert.Equal(16 * ((2 * 64 * 128) + (128 * 64) + (128 * 4) + (128 * 36) + (4 * 128) + (9 * 128 * 16) + (2 * 128)), layers[1].field_flops);
    }

    [Theory]
    [InlineData("14x12x8x1", 0.97, 4222)]
    [InlineData("14x16x8x2", 2.08, 8618)]
    [InlineData("14x32x16x1", 4.05, 16746)]
    [InlineData("14x48x16x1", 7.11, 29914)]
    [InlineData("7x28x16x1", 10.0, 10202)]
    [InlineData("7x24x16x2", 15.1, 14482)]
    [InlineData("7x56x8x1", 24.3, 27562)]
    public void Sizes_of_the_design_sheet_cost_what_it_says(string size, double percent, long parameters)
    {
        LayerCost cost = FlopCount.Total(Mnist.WithSize(size));
        Assert.Equal(parameters, cost.parameters);

        // The sheet rounds, and leaves something of the last norm out.
        Assert.Equal(percent, 100.0 * cost.flops / FlopCount.Total(Mnist).flops, 0.005 * percent);
    }

    [Fact]
    public void Mnist_ladder_keeps_its_promises()
    {
        long whole = FlopCount.Total(Mnist).flops;
        long[] prefixes = [.. DistillRecipes.MnistLadder.Select((_, t) => DistillRecipes.MnistLadder.Take(t + 1).Sum(s => FlopCount.Total(Mnist.WithSize(s)).flops))];
        Assert.True(prefixes[0] <= 0.01 * whole);
        Assert.Contains(prefixes, f => f > 0.2 * whole && f <= 0.25 * whole);
        Assert.InRange(100.0 * prefixes[^1] / whole, 60, 63);
    }

    [Fact]
    public void Cifar_teacher_and_ladder()
    {
        LayerCost teacher = FlopCount.Total(Cifar.WithSize("4x128x16x4"));
        Assert.Equal(482_314, teacher.parameters);
        Assert.InRange(teacher.flops, 65_600_000, 65_900_000);
        double[] shares = [.. DistillRecipes.CifarLadder.Select(s => 100.0 * FlopCount.Total(Cifar.WithSize(s)).flops / teacher.flops)];
        foreach (var (expected, actual) in new[] { 5.0, 6.0, 8.0, 10.1, 13.1, 17.8 }.Zip(shares))
        {
            Assert.Equal(expected, actual, 0.08);
        }
    }

    [Theory]
    [InlineData("7x20x8x2", ScanKind.Forward, 0, 0, false)]
    [InlineData("4x12x3x1", ScanKind.Bidirectional, 0, 5, true)]
    [InlineData("14x33x16x2", ScanKind.Cross, 6, 0, false)]
    public void Parameters_are_those_of_the_module(string size, string scan, int stem, int reuse, bool distillation)
    {
        PatchMambaOptions options = (Mnist with { scan = scan, stem_channels = stem, stem_stride = stem > 0 ? 2 : 1, reuse = reuse, distillation_head = distillation }).WithSize(size);
        using var model = new PatchMamba(options);
        Assert.Equal(model.ParameterCount, FlopCount.Total(options).parameters);
        foreach (LayerCost layer in FlopCount.Layers(options))
        {
            Assert.Equal(model.named_parameters().Where(p => p.name.StartsWith(layer.name + ".", StringComparison.Ordinal)).Sum(p => p.parameter.numel()), layer.parameters);
        }
    }

    [Fact]
    public void Reuse_costs_a_piece_of_the_head()
    {
        PatchMambaOptions options = Mnist.WithSize("7x20x8x2"), reusing = options with { reuse = 12 };
        Assert.Equal(2 * 10 * 12, FlopCount.Total(reusing).flops - FlopCount.Total(options).flops);
        Assert.Equal(2 * 10 * 12, FlopCount.Reuse(reusing));
    }

    [Fact]
    public void Residual_network_by_hand()
    {
        var options = new ResNetOptions { input_channels = 1, stem = "cifar", stem_width = 4, blocks = [1, 1], widths = [4, 8], strides = [1, 2] };
        IReadOnlyList<LayerCost> layers = ResNetCost.Layers(options, 6, 6, 3);
        Assert.Equal([2 * 9 * 4 * 36, 2 * 2 * 9 * 16 * 36, 2 * ((9 * 32) + (9 * 64) + 32) * 9, 2 * 8 * 3], layers.Select(l => l.flops));
        using var model = new ResNetClassifier(options, 3);
        Assert.Equal(model.parameters().Sum(p => p.numel()), layers.Sum(l => l.parameters));
    }
}
