using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;

namespace MambaExt.Fscil.Tests.Support;

/// <summary>The digits that come with the library, as few-shot sessions.</summary>
internal static class Digits
{
    /// <summary>4 + 2 x 2 of the ten classes, 5 shots, in the order of a seed.</summary>
    public static FscilData Data(int seed)
    {
        ImageDataSet digits = ImageDataSets.Load("digits");
        return new FscilData(
            "digits", DataVariant.Official, digits.Train, digits.Test, digits.ClassNames,
            DrawnProtocol.Draw(digits.Train.Labels, digits.Test.Labels, 10, new ProtocolOptions(4, 2, 5, seed, sessions: 2)), [], []);
    }

    /// <summary>A small network, a few epochs.</summary>
    public static FscilRecipe Recipe()
    {
        FscilRecipe recipe = FscilRecipes.Cpu("digits", 1, new ImageSize(8, 8), 10);
        return recipe with
        {
            backbone = recipe.backbone with { width = 4, levels = [1, 4], level_grids = [2, 1] },
            views = 2,
            training = recipe.training with { epochs = 4, batch_size = 64, warmup_steps = 8 },
            projector = recipe.projector with { width = 16, hidden = 24, d_state = 4 },
            projector_training = recipe.projector_training with { epochs = 3 },
            incremental = recipe.incremental with { iterations = 20 },
            prototypes = recipe.prototypes with { projector_weight = 0.2 },
        };
    }
}
