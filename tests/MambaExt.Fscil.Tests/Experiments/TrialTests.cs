using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;
using MambaExt.Fscil.Tests.Support;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Experiments;

public sealed class TrialTests : TensorTests
{
    private static readonly string[] Mamba = ["mamba-fscil", "mamba-fscil-teen", .. FscilMethods.Ablations.Keys];

    public static TheoryData<string> Tried => [.. FscilMethods.Names.Where(n => n != FscilMethods.Pixels), .. FscilMethods.Ablations.Keys];

    [Theory]
    [MemberData(nameof(Tried))]
    public void Each_setting_that_a_method_tries_gives_it_other_weights_or_scores(string name)
    {
        using FscilFeatures features = Clusters.Features(sessions: 1, noise: 1.2, twoLevels: true);
        IReadOnlyList<FscilTrial> trials = FscilTrials.Of(Recipe(), name, FscilTrials.Most);
        Assert.Equal(FscilTrials.Most, trials.Count);
        Assert.Equal("recipe", trials[0].Change);
        float[][] learned = [.. trials.Select(t => Learned(t.Recipe))];
        for (int i = 0; i < learned.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                Assert.False(learned[i].SequenceEqual(learned[j]), $"'{trials[i].Change}' gives {name} what '{trials[j].Change}' gives it");
            }
        }

        // The other way round the search would be no search: the same setting twice is the same.
        Assert.Equal(learned[0], Learned(trials[0].Recipe));

        float[] Learned(FscilRecipe recipe)
        {
            using DisposeScope scope = NewDisposeScope();
            manual_seed(0);
            using FscilMethod method = FscilMethods.Create(name, recipe, features.Size, 8);
            method.LearnBase(features, new MethodContext(0));
            method.Learn(features.Shots[0], 2, new MethodContext(0));
            return [.. method.Score(features.TestUntil(1)).data<float>()];
        }
    }

    [Theory]
    [MemberData(nameof(Tried))]
    public void Every_shipped_recipe_has_as_many_settings_for_every_method(string name)
    {
        FscilRecipe[] cpu = [.. new[] { "digits", "mnist", "omniglot", "cifar100" }.Select(set => FscilRecipes.Cpu(set, set == "cifar100" ? 3 : 1, new ImageSize(28, 28), 10))];
        foreach (FscilRecipe recipe in cpu.Concat(FscilRecipes.Published.Select(FscilRecipes.Paper)).Append(FscilRecipes.Paper("cifar100") with { training = new BaseTraining { head = "nc" } }))
        {
            IReadOnlyList<FscilTrial> trials = FscilTrials.Of(recipe, name, FscilTrials.Most);
            Assert.Equal(FscilTrials.Most, trials.Select(t => t.Change).Distinct().Count());
            bool comes = recipe.training.head == "mamba" ? Mamba.Contains(name) : recipe.training.head == "nc" && name == "nc-fscil";
            Assert.False(comes && trials.Any(t => t.Recipe.projector_training != recipe.projector_training), "a projector that comes trained does not train on maps");
            Assert.All(trials, t => t.Recipe.prototypes.levels.ToList().ForEach(level => Assert.Contains(level, recipe.backbone.levels)));
        }
    }

    [Fact]
    public void What_the_recipe_has_already_gives_way_to_the_next_setting()
    {
        FscilRecipe recipe = Recipe();
        Assert.Equal("shrinkage 0.2", FscilTrials.Of(recipe, FscilMethods.Best, 2)[1].Change);
        Assert.Equal("last level alone", FscilTrials.Of(recipe with { prototypes = recipe.prototypes with { shrinkage = 0.2 } }, FscilMethods.Best, 2)[1].Change);
        Assert.Equal("feature_mixup 0", FscilTrials.Of(recipe, "no-suppression", 5)[4].Change);
        Assert.Throws<ArgumentOutOfRangeException>(() => FscilTrials.Of(recipe, "teen", FscilTrials.Most + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FscilTrials.Of(recipe, "teen", 0));
        Refusal.Of<ArgumentException>(() => FscilTrials.Of(recipe, FscilMethods.Pixels, 2), "ncm-pixels has 1 settings", "--trials 1");
    }

    [Fact]
    public void The_combination_without_weight_on_the_projector_has_none()
    {
        using FscilFeatures features = Clusters.Features(sessions: 1, twoLevels: true);
        FscilRecipe recipe = Recipe();
        using FscilMethod without = FscilMethods.Create(FscilMethods.Best, recipe, features.Size, 8);
        using FscilMethod with = FscilMethods.Create(FscilMethods.Best, recipe with { prototypes = recipe.prototypes with { projector_weight = 0.3 } }, features.Size, 8);
        Assert.Equal(0, without.ParameterCount);
        Assert.Equal(((ProjectorMethod)with).Projector.ParameterCount, with.ParameterCount);
        Assert.DoesNotContain(MethodState.Of(without), p => p.Name.Contains("etf", StringComparison.Ordinal));
        Refusal.Of<InvalidOperationException>(() => { _ = ((ProjectorMethod)without).Projector; }, "without a projector");
    }

    private static FscilRecipe Recipe()
    {
        FscilRecipe recipe = Clusters.Recipe();
        return recipe with
        {
            backbone = recipe.backbone with { levels = [1, 2], level_grids = [1, 1] },
            projector_training = recipe.projector_training with { epochs = 2 },
            incremental = recipe.incremental with { iterations = 10 },
            prototypes = recipe.prototypes with { shrinkage = 0.5 },
        };
    }
}
