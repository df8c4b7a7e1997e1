using MambaExt.Fscil.Features;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;

namespace MambaExt.Fscil.Methods;

/// <summary>The methods by name.</summary>
public static class FscilMethods
{
    /// <summary>Nearest class mean on pixels: the floor.</summary>
    public const string Pixels = "ncm-pixels";

    /// <summary>The library's own combination.</summary>
    public const string Best = "mambaext";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> Names { get; } = [Best, "mamba-fscil", "mamba-fscil-teen", "nc-fscil", "teen", "ncm-cosine", "ncm-euclid", "fine-tune", Pixels];

    /// <summary>What of Mamba-FSCIL is taken away in each ablation.</summary>
    public static IReadOnlyDictionary<string, Func<FscilRecipe, FscilRecipe>> Ablations { get; } = new Dictionary<string, Func<FscilRecipe, FscilRecipe>>
    {
        ["no-zero-start"] = r => r with { incremental = r.incremental with { zero_start = false } },
        ["no-freezing"] = r => r with { incremental = r.incremental with { freeze = false, base_share = 1 } },
        ["no-suppression"] = r => r with { incremental = r.incremental with { scan_losses = r.incremental.scan_losses with { suppress_base = 0, suppress_novel = 0 } } },
        ["no-separation"] = r => r with { incremental = r.incremental with { scan_losses = r.incremental.scan_losses with { separate = 0, separate_base = 0 } } },
    };

    /// <summary>
    /// What the backbone of a method is trained under. Where the recipe trains a projector together with the backbone, a method that has one is given a backbone that was
    /// trained under its own kind: behind another's it would learn on maps that were made for that one. All others take the recipe's.
    /// </summary>
    public static string HeadOf(string name, FscilRecipe recipe) => name switch
    {
        _ when recipe.training.head == "cosine" => recipe.training.head,
        "nc-fscil" => "nc",
        "fine-tune" or "teen" or "ncm-cosine" or "ncm-euclid" or Pixels => recipe.training.head,
        Best when recipe.prototypes.projector_weight == 0 => recipe.training.head,
        _ => "mamba",
    };

    /// <summary>Whether a method is trained on several views of the base images; others look at the one without augmentation alone.</summary>
    public static bool ReadsViews(string name, FscilRecipe recipe) => name switch
    {
        "fine-tune" => true,
        "nc-fscil" => recipe.training.head != "nc",
        Best => recipe.prototypes.projector_weight > 0 && recipe.training.head != "mamba",
        "teen" or "ncm-cosine" or "ncm-euclid" or Pixels => false,
        _ => recipe.training.head != "mamba",
    };

    /// <summary>A method, with weights from torch's generator.</summary>
    /// <param name="name">One of <see cref="Names"/>, or of <see cref="Ablations"/></param>
    /// <param name="recipe">Sizes and trainings</param>
    /// <param name="size">What there is of each image</param>
    /// <param name="maxClasses">Classes that it can ever hold</param>
    /// <param name="trained">The network whose maps it works on; a projector that was trained with it is taken over where the method is of its kind</param>
    public static FscilMethod Create(string name, FscilRecipe recipe, FeatureSize size, int maxClasses, BaseNetwork? trained = null)
    {
        if (Ablations.TryGetValue(name, out Func<FscilRecipe, FscilRecipe>? without))
        {
            recipe = without(recipe);
        }

        bool mamba = recipe.training.head == "mamba" && trained?.Projector is not null, nc = recipe.training.head == "nc" && trained?.Projector is not null;
        PrototypeOptions plain = recipe.prototypes with { teen_alpha = 0 };
        return name switch
        {
            Best when recipe.prototypes.projector_weight == 0 => new CalibratedMethod(name, size, maxClasses, recipe, null),
            Best => new CalibratedMethod(name, size, maxClasses, recipe, Mamba(), mamba ? trained!.Etf : null),
            "mamba-fscil-teen" => new ProjectorMethod(name, size, maxClasses, recipe, Mamba(), mamba ? trained!.Etf : null, teen: true),
            "nc-fscil" => new ProjectorMethod(name, size, maxClasses, recipe, nc ? trained!.Projector! : new MlpProjector(size.Map, recipe.projector), nc ? trained!.Etf : null),
            "teen" => new PrototypeMethod(name, size, maxClasses, euclid: false, recipe.prototypes),
            "ncm-cosine" => new PrototypeMethod(name, size, maxClasses, euclid: false, plain),
            "ncm-euclid" => new PrototypeMethod(name, size, maxClasses, euclid: true, plain),
            "fine-tune" => new FineTuneMethod(name, size, maxClasses, recipe),
            Pixels => new PixelMethod(name, size, maxClasses),
            _ when name == "mamba-fscil" || Ablations.ContainsKey(name) => new ProjectorMethod(name, size, maxClasses, recipe, Mamba(), mamba ? trained!.Etf : null),
            _ => throw new ArgumentException($"There is no method '{name}'; known are {string.Join(", ", Names)}, and the ablations {string.Join(", ", Ablations.Keys)}."),
        };

        Projector Mamba() => mamba ? trained!.Projector! : new MambaProjector(size.Map, recipe.projector);
    }
}
