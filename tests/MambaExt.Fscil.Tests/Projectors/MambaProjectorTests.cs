using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Projectors;

public sealed class MambaProjectorTests : TensorTests
{
    [Theory]
    [InlineData("ssm")]
    [InlineData("ss2d")]
    public void The_first_session_begins_as_the_model_of_the_base_session_to_the_bit(string branch)
    {
        using MambaProjector projector = Make(branch);
        Tensor maps = rand([3, .. Clusters.Map.Shape]), before = projector.forward(maps);
        projector.BeginIncrements(freeze: true, zeroStart: true);
        Assert.True(projector.Begun);
        TensorAssert.Same(before, projector.forward(maps));
    }

    [Theory]
    [InlineData("ssm")]
    [InlineData("ss2d")]
    public void Without_the_zero_start_it_does_not(string branch)
    {
        using MambaProjector projector = Make(branch);
        Tensor maps = rand([3, .. Clusters.Map.Shape]), before = projector.forward(maps);
        projector.BeginIncrements(freeze: true, zeroStart: false);
        Assert.True((before - projector.forward(maps)).abs().max().item<float>() > 1e-4);
    }

    [Theory]
    [InlineData("ssm")]
    [InlineData("ss2d")]
    public void The_first_gradient_of_dot_regression_reaches_the_gate_rows_of_the_new_branch_and_nothing_else(string branch)
    {
        using MambaProjector projector = Make(branch);
        using var etf = new SimplexEtf(16, 10);
        projector.BeginIncrements(freeze: true, zeroStart: true);
        Tensor labels = tensor(new[] { 0L, 6, 7 });
        DotRegression.Loss(projector.forward(rand([3, .. Clusters.Map.Shape])), etf.Of(labels), labels, balanced: true).backward();
        foreach (var (name, parameter) in projector.named_parameters())
        {
            double largest = parameter.grad is { } g ? g.abs().max().item<float>() : 0;
            if (name == "g_inc.scan.in_proj.weight")
            {
                Assert.Equal(0, parameter.grad!.narrow(0, 0, 16).abs().max().item<float>());
                Assert.True(parameter.grad!.narrow(0, 16, 16).abs().min().item<float>() > 0);
            }
            else
            {
                Assert.Equal((name, 0.0), (name, largest));
            }
        }
    }

    [Theory]
    [InlineData("ssm")]
    [InlineData("ss2d")]
    public void The_separation_losses_reach_what_makes_delta_B_and_C_from_the_start(string branch)
    {
        using MambaProjector projector = Make(branch);
        projector.BeginIncrements(freeze: true, zeroStart: true);
        var (_, signals, _) = projector.ForwardWithSignals(rand([4, .. Clusters.Map.Shape]));
        ScanLosses.Total(signals!, tensor(new[] { false, true, true, false }), new ScanLossOptions { suppress_base = 100, suppress_novel = 1, separate = 0.5 })!.backward();
        Dictionary<string, Tensor?> gradients = projector.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad);
        string selects = branch == "ssm" ? "g_inc.scan.x_proj.weight" : "g_inc.scan.x_proj_weight";
        Assert.True(gradients[selects]!.abs().max().item<float>() > 0);
        Assert.All(gradients.Values.OfType<Tensor>(), g => TensorAssert.Finite(g));
        Assert.Equal(0, gradients["g_inc.scan.in_proj.weight"]!.narrow(0, 16, 16).abs().max().item<float>());
        Assert.All(gradients.Where(g => !g.Key.StartsWith("g_inc.", StringComparison.Ordinal)), g => Assert.Null(g.Value));
    }

    [Fact]
    public void Not_frozen_the_base_learns_too_at_its_share_of_the_rate()
    {
        using MambaProjector projector = Make("ss2d");
        projector.BeginIncrements(freeze: false, zeroStart: true);
        projector.forward(rand([3, .. Clusters.Map.Shape])).pow(2).sum().backward();
        Dictionary<string, Tensor?> gradients = projector.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad);
        Assert.True(gradients["g_base.mlp.linear1.weight"]!.abs().max().item<float>() > 0);
        Assert.True(gradients["p_iden.weight"]!.abs().max().item<float>() > 0);
        Assert.Equal((0.2, 1.0), (projector.Share("p_iden.weight", 0.2), projector.Share("g_inc.pos_embed", 0.2)));
    }

    [Fact]
    public void The_output_is_the_sum_of_its_parts()
    {
        using MambaProjector projector = Make("ssm");
        Tensor maps = rand([3, .. Clusters.Map.Shape]), identity = projector.named_parameters().First(p => p.name == "p_iden.weight").parameter;
        Tensor mean = maps.reshape(3, 4, 12).mean([1L]).matmul(identity.t());
        TensorAssert.Close(mean + projector.BaseBranch.forward(maps), projector.forward(maps), 1e-6);
        projector.BeginIncrements(freeze: true, zeroStart: false);
        TensorAssert.Close(mean + projector.BaseBranch.forward(maps) + projector.IncrementalBranch.forward(maps), projector.forward(maps), 1e-6);
    }

    private static MambaProjector Make(string branch) => new(Clusters.Map, Clusters.Recipe(branch).projector);
}
