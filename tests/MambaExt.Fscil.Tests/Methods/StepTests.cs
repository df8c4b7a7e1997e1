using MambaExt.Fscil.Features;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Methods;

/// <summary>
/// How far weights go. Gradients that are clipped to a norm far below their own keep their direction over a few steps on the same batch, so that the whole way is
/// norm x rate x the sum of the schedule.
/// </summary>
public sealed class StepTests : TensorTests
{
    private const double Clip = 1e-3, Rate = 0.05, SessionRate = 0.02;

    public static TheoryData<string, double, int, double> Base => new()
    {
        // Without a warm-up half a cosine from 1 to 0 over four steps; with one 1/4, 2/4, 3/4 and 1 before it.
        { "mamba-fscil", 0, 4, 1 + 0.75 + 0.25 }, { "mamba-fscil", 0.5, 8, 2.5 + 1 + 0.75 + 0.25 },
        { "nc-fscil", 0, 4, 1 + 0.75 + 0.25 }, { "nc-fscil", 0.5, 8, 2.5 + 1 + 0.75 + 0.25 },
        { "fine-tune", 0, 4, 1 + 0.75 + 0.25 }, { "fine-tune", 0.5, 8, 2.5 + 1 + 0.75 + 0.25 },
    };

    [Theory]
    [MemberData(nameof(Base))]
    public void Base_maps_are_learned_with_clipped_gradients_behind_a_warm_up(string name, double warmup, int epochs, double sum)
    {
        using FscilFeatures all = Clusters.Features(sessions: 1), features = new(all.Protocol, [all.BaseViews[0]], all.Shots, all.Test);
        FscilRecipe recipe = Recipe(warmup, epochs, iterations: 1, Clip);
        Assert.Equal(Clip * Rate * sum, Way(name, recipe, features, 0), Clip * Rate * sum * 0.01);

        // Not clipped it is the gradients' own way.
        Assert.True(Way(name, recipe with { projector_training = recipe.projector_training with { clip = 0 } }, features, 0) > 20 * Clip * Rate * sum);
    }

    [Theory]
    [InlineData("mamba-fscil")]
    [InlineData("nc-fscil")]
    public void Sessions_are_learned_with_clipped_gradients_and_cool_down(string name)
    {
        using FscilFeatures features = Clusters.Features(sessions: 1);
        FscilRecipe recipe = Recipe(0, 1, iterations: 20, Clip);
        double expected = Clip * SessionRate * Enumerable.Range(0, 20).Sum(step => new CoolDown(20).Factor(step));
        Assert.Equal(expected, Way(name, recipe, features, 1), expected * 0.01);
        Assert.True(Way(name, recipe with { incremental = recipe.incremental with { clip = 0 } }, features, 1) > 20 * expected);
    }

    [Theory]
    [InlineData("ssm")]
    [InlineData("ss2d")]
    public void What_the_base_session_has_learned_goes_its_share_of_the_way(string branch)
    {
        using FscilFeatures features = Clusters.Features(sessions: 1);
        FscilRecipe recipe = Recipe(0, 1, iterations: 1, clip: 0);
        recipe = recipe with { projector = recipe.projector with { branch = branch }, incremental = recipe.incremental with { freeze = false, learning_rate = 100_000 } };

        // One step, so far that the last bits of the weights do not matter.
        Dictionary<string, Tensor> whole = Steps(1), part = Steps(0.2);
        Assert.Contains("g_base.pos_embed", whole.Keys);
        Assert.Contains("p_iden.weight", whole.Keys);
        foreach (var (name, step) in whole)
        {
            bool base_ = !name.StartsWith("g_inc.", StringComparison.Ordinal);
            double norm = Math.Max(1e-12, step.norm().item<double>());
            TensorAssert.Close(step * (base_ ? 0.2 : 1) / norm, part[name] / norm, 1e-3, name);
            Assert.True(!base_ || norm > 1e-3, $"{name} {norm}");
        }

        Dictionary<string, Tensor> Steps(double share)
        {
            manual_seed(0);
            using FscilMethod method = FscilMethods.Create("mamba-fscil", recipe with { incremental = recipe.incremental with { base_share = share } }, features.Size, 8);
            method.LearnBase(features, new MethodContext(0));
            Fscil.Projectors.Projector projector = ((ProjectorMethod)method).Projector;
            projector.BeginIncrements(freeze: false, zeroStart: true);
            Dictionary<string, Tensor> before = Weights();
            method.Learn(features.Shots[0], 2, new MethodContext(0));
            return Weights().ToDictionary(p => p.Key, p => p.Value - before[p.Key]);

            Dictionary<string, Tensor> Weights() => projector.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().to_type(ScalarType.Float64, copy: true));
        }
    }

    [Fact]
    public void Fine_tuning_goes_through_sessions_as_through_the_base_session()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1);
        const double Expected = Clip * SessionRate * (2.5 + 1 + 0.75 + 0.25);
        Assert.Equal(Expected, Way("fine-tune", Recipe(0.5, 1, iterations: 8, Clip), features, 1), Expected * 0.01);
    }

    /// <summary>The norm of what all weights have changed by in the last session.</summary>
    private static double Way(string name, FscilRecipe recipe, FscilFeatures features, int session)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(0);
        using FscilMethod method = FscilMethods.Create(name, recipe, features.Size, 8);
        Tensor before = Weights();
        method.LearnBase(features, new MethodContext(0));
        if (session > 0)
        {
            before = Weights();
            if (method is ProjectorMethod { Projector: Fscil.Projectors.MambaProjector projector })
            {
                // The zero start of the new branch is no step.
                projector.BeginIncrements(recipe.incremental.freeze, recipe.incremental.zero_start);
                before = Weights();
            }

            method.Learn(features.Shots[0], 2, new MethodContext(0));
        }

        return (Weights() - before).norm().item<double>();

        Tensor Weights() => cat([.. method.parameters().Select(p => p.detach().to_type(ScalarType.Float64).flatten())], 0);
    }

    private static FscilRecipe Recipe(double warmup, int epochs, int iterations, double clip) => Clusters.Recipe() with
    {
        projector_training = new ProjectorTraining { epochs = epochs, batch_size = 72, learning_rate = Rate, momentum = 0, weight_decay = 0, mixup = 0, warmup = warmup, clip = clip },
        incremental = new IncrementalOptions
        {
            iterations = iterations, learning_rate = SessionRate, momentum = 0, weight_decay = 0, batch_size = 64, feature_mixup = 0, clip = clip,
            scan_losses = new ScanLossOptions { suppress_base = 0, suppress_novel = 0, separate = 0 },
        },
    };
}
