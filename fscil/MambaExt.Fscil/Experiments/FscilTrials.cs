using MambaExt.Fscil.Recipes;

namespace MambaExt.Fscil.Experiments;

/// <summary>One setting that is tried on base classes held back as if they were novel.</summary>
/// <param name="Change">What it changes in the recipe, in words; "recipe" for nothing</param>
/// <param name="Recipe">The recipe with the change</param>
public sealed record FscilTrial(string Change, FscilRecipe Recipe);

/// <summary>What came of it.</summary>
/// <param name="change">What it changed</param>
/// <param name="average">Mean accuracy over the sessions of held-back classes, percent</param>
/// <param name="harmonic_mean">Mean of the harmonic mean over them, percent</param>
/// <param name="chosen">The mean of both is the highest</param>
public sealed record FscilTrialScore(string change, double average, double harmonic_mean, bool chosen)
{
    /// <summary>Whose base classes were held back.</summary>
    public int seed { get; init; }
}

/// <summary>The settings that a comparison tries: the same changes in the same order for every method, whether or not it heeds them, so that n trials are the same
/// search for all.</summary>
public static class FscilTrials
{
    private static readonly (string Change, Func<FscilRecipe, FscilRecipe> Apply)[] Changes =
    [
        ("shrinkage 0.2", r => r with { prototypes = r.prototypes with { shrinkage = 0.2 } }),
        ("incremental learning rate / 3", r => r with { incremental = r.incremental with { learning_rate = r.incremental.learning_rate / 3 } }),
        ("teen_alpha 0.5", r => r with { prototypes = r.prototypes with { teen_alpha = 0.5 } }),
        ("incremental iterations x 3", r => r with { incremental = r.incremental with { iterations = r.incremental.iterations * 3 } }),
        ("suppression off", r => r with { incremental = r.incremental with { scan_losses = r.incremental.scan_losses with { suppress_base = 0 } } }),
        ("projector_weight 0.3", r => r with { prototypes = r.prototypes with { projector_weight = 0.3 } }),
        ("power 0.5", r => r with { prototypes = r.prototypes with { power = 0.5 } }),
    ];

    /// <summary>How many there are.</summary>
    public static int Most => 1 + Changes.Length;

    /// <summary>The first <paramref name="count"/> settings, the recipe itself before its changes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to <see cref="Most"/>.</exception>
    public static IReadOnlyList<FscilTrial> Of(FscilRecipe recipe, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Most);
        return [new FscilTrial("recipe", recipe), .. Changes.Take(count - 1).Select(change => new FscilTrial(change.Change, change.Apply(recipe)))];
    }
}
