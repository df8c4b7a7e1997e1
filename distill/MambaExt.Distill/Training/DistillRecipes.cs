using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;

namespace MambaExt.Distill.Training;

/// <summary>Recipes by the name of a data set, chosen on held-out training images.</summary>
public static class DistillRecipes
{
    /// <summary>Seven students at 61 % of the FLOPs of a teacher of 3.7 MFLOPs, the first at 1 %; Medina et al. (arXiv 2503.01727) have 63 and 1. Patch, width, states, blocks. The last is as deep
    /// as the teacher: seven of one and two blocks ended below one student of their FLOPs.</summary>
    public static IReadOnlyList<string> MnistLadder { get; } = ["14x12x8x1", "14x16x8x2", "14x16x16x3", "14x24x16x2", "14x40x16x2", "14x32x16x2", "7x32x16x3"];

    /// <summary>Six students at 60 % of a teacher of 66 MFLOPs, the first at 5 %.</summary>
    public static IReadOnlyList<string> CifarLadder { get; } = ["4x56x4x1", "4x32x8x3", "4x48x8x2", "4x80x8x1", "4x64x8x2", "4x64x4x3"];

    private const int Photographs = 32;

    private static readonly TrainingOptions Common = new()
    {
        epochs = 16, patience = 0, learning_rate = 4e-3, weight_decay = 0.02, schedule = "cosine", warmup_steps = 100, clip = 1, validate_every = 4,
    };

    /// <summary>The recipe of a data set by its registry name; for others, one by the size of its images, photographs being brought to 32 x 32.</summary>
    public static DistillRecipe For(ImageDataSet data) => data.Name switch
    {
        "digits" => Digits(),
        "mnist" => Mnist("affine"),
        "fashion-mnist" => Mnist("flip-shift-2"),
        "kmnist" => Mnist("affine"),
        "cifar10" or "cifar100" => Cifar(),
        _ => data.Size is { } size ? Other(Math.Min(size.Height, size.Width)) : Other(Photographs) with { image_size = Photographs },
    };

    private static DistillRecipe Digits() => new()
    {
        teacher_options = new PatchMambaOptions { patch = 2, d_model = 32, d_state = 8, blocks = 2 },
        teacher_training = Common with { epochs = 48, warmup_steps = 20, validate_every = 8 },
        teacher_batch_size = 64,
        students = ["4x8x4x1", "4x16x8x1", "2x16x4x1", "2x24x8x1"],
        distill = new DistillOptions { batch_size = 64, training = Common with { epochs = 48, warmup_steps = 20, validate_every = 8 } },
        augmentation = "small-shift",
        held_out = 0.15,
    };

    private static DistillRecipe Mnist(string augmentation) => new()
    {
        teacher_training = Common with { epochs = 12 },
        students = MnistLadder,
        distill = new DistillOptions { training = Common with { epochs = 12 } },
        draws = 12,
        augmentation = augmentation,
        held_out = 0.08,
    };

    // In mode joint every prefix has a lower held-out likelihood.
    private static DistillRecipe Cifar() => new()
    {
        teacher_options = new PatchMambaOptions { patch = 4, d_model = 128, d_state = 16, blocks = 4 },
        teacher_training = Common with { epochs = 30, learning_rate = 2e-3, weight_decay = 0.05 },
        students = CifarLadder,
        distill = new DistillOptions { mode = "independent", training = Common with { epochs = 32, weight_decay = 0.05 } },
        augmentation = "flip-shift",
    };

    private static DistillRecipe Other(int side)
    {
        // A patch that gives between 16 and 64 tokens where one does.
        int patch = Enumerable.Range(1, side).Where(p => side % p == 0).OrderBy(p => Math.Abs((side / p) - 6)).First();
        return new DistillRecipe
        {
            teacher_options = new PatchMambaOptions { patch = patch, d_model = 96, d_state = 16, blocks = 3 },
            teacher_training = Common,
            shares = [0.05, 0.08, 0.1, 0.15, 0.22],
            distill = new DistillOptions { training = Common },
        };
    }
}
