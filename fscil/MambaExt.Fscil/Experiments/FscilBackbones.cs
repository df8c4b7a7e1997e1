using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Recipes;

namespace MambaExt.Fscil.Experiments;

/// <summary>
/// Which backbones the methods of a run work on, and where they lie: one a seed under the recipe's head, and one more for each kind of projector that is trained
/// together with its backbone and is not of the recipe's own kind.
/// </summary>
public static class FscilBackbones
{
    /// <summary>Where a backbone lies below a run folder.</summary>
    /// <param name="seed">Of the run</param>
    /// <param name="heldBack">Trained without the base classes that settings are tried on</param>
    /// <param name="head">What it is trained under, where that is not the recipe's own head</param>
    public static string PathOf(int seed, bool heldBack = false, string? head = null) =>
        FormattableString.Invariant($"base/{(head is null ? "" : head + "-")}{(heldBack ? "held-back-" : "")}seed-{seed}/network.safetensors");

    /// <summary>Throws unless a run folder holds the backbones of each seed that methods work on.</summary>
    /// <exception cref="FileNotFoundException">One is missing.</exception>
    public static void Require(string folder, FscilRecipe recipe, IEnumerable<string> methods, IEnumerable<int> seeds)
    {
        string?[] heads = Heads(recipe, methods);
        if (seeds.SelectMany(seed => heads.Select(head => Path.Combine(folder, PathOf(seed, head: head)))).FirstOrDefault(path => !File.Exists(path)) is { } missing)
        {
            throw new FileNotFoundException($"There is no backbone at '{missing}'; give the folder of a run on the same data, with the same seeds and kinds of methods, or let it be trained.");
        }
    }

    internal static string PathOf(FscilRunKey key) => PathOf(key.Seed, key.Trial > 0, key.Head);

    /// <summary>Null where a method's backbone is trained under the recipe's own head.</summary>
    internal static string? Head(FscilRecipe recipe, string method) => FscilMethods.HeadOf(method, recipe) is { } head && head != recipe.training.head ? head : null;

    /// <summary>Of all methods that have a backbone.</summary>
    internal static string?[] Heads(FscilRecipe recipe, IEnumerable<string> methods) => [.. methods.Where(method => method != FscilMethods.Pixels).Select(method => Head(recipe, method)).Distinct()];

    /// <summary>The recipe of a backbone under that head, and of the methods that work on it.</summary>
    internal static FscilRecipe Under(FscilRecipe recipe, string? head) => head is null ? recipe : recipe with { training = recipe.training with { head = head } };
}
