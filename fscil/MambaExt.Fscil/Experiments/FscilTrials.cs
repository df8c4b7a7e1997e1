using System.Text.Json;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Metrics;
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
/// <param name="chosen">It is the best by <see cref="FscilTrials.Scores"/></param>
public sealed record FscilTrialScore(string change, double average, double harmonic_mean, bool chosen)
{
    /// <summary>Whose base classes were held back.</summary>
    public int seed { get; init; }
}

/// <summary>
/// The settings that a comparison tries: as many for every method, each of them one that the method heeds. A change that leaves the recipe as it is, or that the
/// method does not read, gives way to the next one of its list.
/// </summary>
public static class FscilTrials
{
    // Of recipes that have one.
    private static readonly Change NoBias = new("novel_bias 0", r => Prototypes(r, p => p with { novel_bias = 0 }));

    private static readonly Change[] Plain =
    [
        NoBias,
        new("centering", r => Prototypes(r, p => p with { centering = true })),
        new("power 0.5", r => Prototypes(r, p => p with { power = 0.5 })),
        new("centering, power 0.5", r => Prototypes(r, p => p with { centering = true, power = 0.5 })),
        new("novel_bias 0.02", r => Prototypes(r, p => p with { novel_bias = 0.02 })),
        new("novel_bias 0.05", r => Prototypes(r, p => p with { novel_bias = 0.05 })),
        new("power 0.25", r => Prototypes(r, p => p with { power = 0.25 })),
        new("centering, power 0.5, novel_bias 0.05", r => Prototypes(r, p => p with { centering = true, power = 0.5, novel_bias = 0.05 })),
        new("centering, novel_bias 0.05", r => Prototypes(r, p => p with { centering = true, novel_bias = 0.05 })),
        new("power 0.75", r => Prototypes(r, p => p with { power = 0.75 })),
    ];

    // Euclid's distance does not see a centre.
    private static readonly Change[] Euclid =
    [
        NoBias,
        new("power 0.5", r => Prototypes(r, p => p with { power = 0.5 })),
        new("novel_bias 0.1", r => Prototypes(r, p => p with { novel_bias = 0.1 })),
        new("power 0.25", r => Prototypes(r, p => p with { power = 0.25 })),
        new("power 0.5, novel_bias 0.1", r => Prototypes(r, p => p with { power = 0.5, novel_bias = 0.1 })),
        new("novel_bias 0.3", r => Prototypes(r, p => p with { novel_bias = 0.3 })),
        new("power 0.75", r => Prototypes(r, p => p with { power = 0.75 })),
        new("power 0.25, novel_bias 0.1", r => Prototypes(r, p => p with { power = 0.25, novel_bias = 0.1 })),
        new("power 0.5, novel_bias 0.3", r => Prototypes(r, p => p with { power = 0.5, novel_bias = 0.3 })),
    ];

    private static readonly Change CalibratedByHalf = new("teen_alpha 0.5", r => Prototypes(r, p => p with { teen_alpha = 0.5 }));

    private static readonly Change[] Teen =
    [
        CalibratedByHalf,
        new("teen_alpha 0.3", r => Prototypes(r, p => p with { teen_alpha = 0.3 })), .. Plain[..3], .. Plain[4..6],
        new("teen_tau 32", r => Prototypes(r, p => p with { teen_tau = 32 })), Plain[3], .. Plain[6..],
    ];

    private static readonly Change[] Best =
    [
        new("shrinkage 0.2", r => Prototypes(r, p => p with { shrinkage = 0.2 })),
        new("last level alone", r => OneLevel(r, ^1)),
        CalibratedByHalf,
        NoBias,
        new("novel_bias 0.05", r => Prototypes(r, p => p with { novel_bias = 0.05 })),
        new("novel_bias 0.1", r => Prototypes(r, p => p with { novel_bias = 0.1 })),
        new("projector_weight 0.3", r => Prototypes(r, p => p with { projector_weight = 0.3 })),
        new("shrinkage 1", r => Prototypes(r, p => p with { shrinkage = 1 })),
        new("all levels", r => Prototypes(r, p => p.levels.Length == 0 ? p : p with { levels = [] })),
        new("first level alone", r => OneLevel(r, 0)),
        new("teen_alpha 0", r => Prototypes(r, p => p with { teen_alpha = 0 })),
        new("shrinkage 0.05", r => Prototypes(r, p => p with { shrinkage = 0.05 })),
        new("projector_weight 0.15", r => Prototypes(r, p => p with { projector_weight = 0.15 })),
        new("power 0.5", r => Prototypes(r, p => p with { power = 0.5 })),
    ];

    private static readonly Change[] Projector =
    [
        Rate("incremental learning rate / 3", 1 / 3.0), Iterations("incremental iterations x 3", 3),
        new("feature_mixup 0", r => Sessions(r, s => s with { feature_mixup = 0 })),
        new("projector learning rate / 3", r => Base(r, b => b with { learning_rate = b.learning_rate / 3 })) { OfBase = true },
        Rate("incremental learning rate x 3", 3),
        new("projector mixup 0", r => Base(r, b => b with { mixup = 0 })) { OfBase = true },
        Iterations("incremental iterations / 2", 0.5), Rate("incremental learning rate / 10", 0.1), new("balanced turned over", r => Sessions(r, s => s with { balanced = !s.balanced })),
    ];

    private static readonly Change[] Mamba =
    [
        .. Projector[..2],
        new("suppression off", r => Sessions(r, s => s with { scan_losses = s.scan_losses with { suppress_base = 0, suppress_novel = 0 } })),
        new("separation off", r => Sessions(r, s => s with { scan_losses = s.scan_losses with { separate = 0, separate_base = 0 } })), .. Projector[2..],
    ];

    private static readonly Change[] FineTune =
    [
        Rate("incremental learning rate / 3", 1 / 3.0), Iterations("incremental iterations / 3", 1 / 3.0), Rate("incremental learning rate / 10", 0.1),
        new("projector learning rate / 3", r => Base(r, b => b with { learning_rate = b.learning_rate / 3 })), Iterations("incremental iterations / 10", 0.1),
        new("projector learning rate x 3", r => Base(r, b => b with { learning_rate = b.learning_rate * 3 })),
        new("projector epochs / 2", r => Base(r, b => b with { epochs = Math.Max(1, b.epochs / 2) })), Iterations("incremental iterations x 3", 3),
    ];

    /// <summary>By what the best of the settings is chosen: the mean of average and harmonic mean, or the average alone, which is what papers compare.</summary>
    public static IReadOnlyList<string> Scores { get; } = ["balanced", "average"];

    /// <summary>How many each method has at least.</summary>
    public const int Most = 8;

    /// <summary>The first <paramref name="count"/> settings of a method, the recipe itself before its changes.</summary>
    /// <param name="recipe">Without a change</param>
    /// <param name="method">One of <see cref="FscilMethods.Names"/>, or of <see cref="FscilMethods.Ablations"/></param>
    /// <param name="count">1 to <see cref="Most"/></param>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to <see cref="Most"/>.</exception>
    /// <exception cref="ArgumentException">The method, with this recipe, has not so many that it heeds.</exception>
    public static IReadOnlyList<FscilTrial> Of(FscilRecipe recipe, string method, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Most);
        Func<FscilRecipe, FscilRecipe> read = FscilMethods.Ablations.GetValueOrDefault(method, r => r);
        var found = new List<FscilTrial> { new("recipe", recipe) };

        // What an ablation takes away it does not read; a projector that comes trained is not trained on maps.
        HashSet<string> known = [JsonSerializer.Serialize(read(recipe))];
        bool comes = recipe.training.head == (method == "nc-fscil" ? "nc" : "mamba");
        foreach (Change change in Changes(method).Where(c => !(c.OfBase && comes)))
        {
            FscilRecipe changed = change.Apply(recipe);
            if (found.Count < count && known.Add(JsonSerializer.Serialize(read(changed))))
            {
                found.Add(new FscilTrial(change.Text, changed));
            }
        }

        return found.Count == count ? found : throw new ArgumentException($"{method} has {found.Count} settings to try with this recipe and {count} were asked for; give --trials {found.Count} or fewer.");
    }

    /// <summary>What the best setting has most of.</summary>
    internal static double Score(string by, FscilScores of) => by == "average" ? of.average : (of.average + of.harmonic_mean) / 2;

    private static Change[] Changes(string method) => method switch
    {
        FscilMethods.Best => Best,
        "teen" => Teen,
        "ncm-cosine" => Plain,
        "ncm-euclid" => Euclid,
        "fine-tune" => FineTune,
        "nc-fscil" => Projector,
        FscilMethods.Pixels => [],
        "mamba-fscil-teen" => [CalibratedByHalf, .. Mamba],
        _ => Mamba,
    };

    private static FscilRecipe Prototypes(FscilRecipe r, Func<PrototypeOptions, PrototypeOptions> change) => r with { prototypes = change(r.prototypes) };

    private static FscilRecipe Sessions(FscilRecipe r, Func<IncrementalOptions, IncrementalOptions> change) => r with { incremental = change(r.incremental) };

    private static FscilRecipe Base(FscilRecipe r, Func<ProjectorTraining, ProjectorTraining> change) => r with { projector_training = change(r.projector_training) };

    private static FscilRecipe OneLevel(FscilRecipe r, Index which) => r.backbone.levels.Length < 2 ? r : Prototypes(r, p => p with { levels = [r.backbone.levels[which]] });

    private static Change Rate(string text, double factor) => new(text, r => Sessions(r, s => s with { learning_rate = s.learning_rate * factor }));

    private static Change Iterations(string text, double factor) => new(text, r => Sessions(r, s => s with { iterations = Math.Max(1, (int)(s.iterations * factor)) }));

    private sealed record Change(string Text, Func<FscilRecipe, FscilRecipe> Apply)
    {
        /// <summary>It changes how the projector is trained on the base maps.</summary>
        public bool OfBase { get; init; }
    }
}
