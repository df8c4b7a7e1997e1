using MambaExt.Data.Images;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Projectors;

namespace MambaExt.Fscil.Recipes;

/// <summary>Recipes by data set: the published ones, and those of two CPU cores.</summary>
public static class FscilRecipes
{
    /// <summary>Profiles: the CPU's, and the published sizes.</summary>
    public static IReadOnlyList<string> Profiles { get; } = ["cpu", "paper"];

    /// <summary>Data sets that have a published recipe.</summary>
    public static IReadOnlyList<string> Published { get; } = ["mini-imagenet", "cifar100", "cub200"];

    /// <summary>The recipe of a profile for a data set.</summary>
    /// <param name="profile">One of <see cref="Profiles"/></param>
    /// <param name="dataSet">Its name; one without a recipe of its own gets that of its image size</param>
    /// <param name="channels">Of its images</param>
    /// <param name="size">Of its images; null where each has its own</param>
    /// <param name="classes">Classes that the model can ever hold</param>
    public static FscilRecipe For(string profile, string dataSet, int channels, ImageSize? size, int classes) => profile == "paper" ? Paper(dataSet) : Cpu(dataSet, channels, size, classes);

    /// <summary>The sizes and trainings of the released code of Mamba-FSCIL, for one device: batch sizes are totals.</summary>
    /// <exception cref="ArgumentException">There is none for that data set.</exception>
    public static FscilRecipe Paper(string dataSet) => dataSet switch
    {
        "mini-imagenet" => new()
        {
            backbone = new() { name = "resnet12", image_size = 84 },
            training = new() { head = "mamba", augment = "mini-imagenet", epochs = 500, batch_size = 512, learning_rate = 0.25, warmup_steps = 3000, balanced = true, milestones = [200, 300, 350, 400, 450], decay_factor = 0.25, warmup_start = 0.25, normalization = "imagenet" },
            projector = new() { width = 512, hidden = 1280, branch = "ssm", identity = true },
            incremental = new()
            {
                iterations = 100, iterations_step = 10, base_copies = [1, 2, 3, 4, 5, 6, 7, 8], novel_copies = 10, learning_rate = 0.01, feature_mixup = 0.3, balanced = true,
                scan_losses = new ScanLossOptions { suppress_base = 100, suppress_novel = 0, separate = 0.5 },
            },
        },
        "cifar100" => new()
        {
            backbone = new() { name = "resnet12", image_size = 32 },
            training = new()
            {
                head = "mamba", augment = "cifar", epochs = 200, batch_size = 512, learning_rate = 0.25, warmup_steps = 100, warmup_start = 0.1, cooldown_steps = 10, final_learning_rate = 0.01, normalization = "cifar100", mixup = 0.4, mixup_alpha = 0.8, cutmix = 0.4, mixed_extra_term = true,
            },
            projector = new() { width = 640, hidden = 1280, branch = "ssm", identity = false },
            incremental = new()
            {
                iterations = 200, base_copies = [1], novel_copies = 1, learning_rate = 0.25, feature_mixup = 0.75, balanced = true,
                scan_losses = new ScanLossOptions { suppress_base = 100, suppress_novel = 1e-5, separate = 1e-3 },
            },
        },
        "cub200" => new()
        {
            backbone = new() { name = "resnet18", image_size = 224, freeze_stem = true },
            training = new() { head = "mamba", augment = "cub", epochs = 80, batch_size = 512, learning_rate = 0.2, warmup_steps = 100, warmup_start = 0.1, cooldown_steps = 10, final_learning_rate = 0.1, normalization = "imagenet", backbone_share = 0.1 },
            projector = new() { width = 1024, hidden = 1024, branch = "ss2d", identity = true, incremental_depth = 3 },
            incremental = new()
            {
                iterations = 200, iterations_step = 10, base_copies = [1, 1, 2, 2, 3, 3, 1, 1, 1, 1], novel_copies = 10, learning_rate = 0.05, feature_mixup = 0.5, balanced = false, freeze = false, base_share = 0.2,
                scan_losses = new ScanLossOptions { suppress_base = 100, suppress_novel = 10, separate = 1e-3, separate_base = 1e-3 },
            },
        },
        _ => throw new ArgumentException($"There is no published recipe for {dataSet}; there are those for {string.Join(", ", Published)}, and the profile cpu for any data."),
    };

    /// <summary>Small networks, a state of 16, a width of the classes rounded up to 64; the backbone under a cosine classifier, the projector on its maps.</summary>
    public static FscilRecipe Cpu(string dataSet, int channels, ImageSize? size, int classes)
    {
        int side = Math.Min(size is { } s ? Math.Min(s.Height, s.Width) : 32, 32);
        var recipe = new FscilRecipe
        {
            backbone = new() { name = "small", image_size = side, channels = channels, map_size = 2, levels = [3, 4], level_grids = [2, 2] },
            prototypes = new() { shrinkage = 0.5 },
            training = new() { epochs = 30, augment = channels == 1 ? "affine" : "shift-flip", batch_size = 128, warmup_steps = 100 },
            projector = new() { width = FscilRecipe.Rounded(classes), branch = "ssm", d_state = 16, dt_rank = 0, identity = true },
            incremental = new()
            {
                iterations = 100, learning_rate = 0.1, batch_size = 64, balanced = true, feature_mixup = 0.5, clip = 1,

                // 100 |z| / numel of the published sizes (8 maps of 25 x 512 a device, about half of them of base classes) is 0.4 times a root mean square.
                scan_losses = new ScanLossOptions { form = "per_sample", suppress_base = 0.4, suppress_novel = 0, separate = 0.5 },
            },
        };
        return dataSet switch
        {
            "digits" => recipe with
            {
                backbone = recipe.backbone with { width = 16, levels = [1, 4], level_grids = [4, 1] },
                prototypes = recipe.prototypes with { shrinkage = 0.2, levels = [1] },
                training = recipe.training with { epochs = 40, batch_size = 32, learning_rate = 0.1, warmup_steps = 60 },
            },
            "cifar100" => recipe with
            {
                backbone = recipe.backbone with { name = "resnet20", width = 32, levels = [2, 3], level_grids = [4, 2] },

                // On base classes held back a bias of 0.05 for novel classes costs mambaext no overall accuracy (60.7 against 60.5) and lifts the harmonic mean from 27 to 44.
                prototypes = recipe.prototypes with { shrinkage = 0.2, teen_alpha = 0.3, novel_bias = 0.05 },
                mirror = true,

                // Small batches under Nesterov's momentum: on base classes held back, class means gain 2.6 over batches of 128 under plain momentum at a rate of 0.2.
                training = recipe.training with { epochs = 40, batch_size = 64, learning_rate = 0.1, nesterov = true, mixup = 0.5, mixup_alpha = 0.8, warmup_steps = 800, validation = 0.04 },
            },
            "omniglot" => recipe with
            {
                backbone = recipe.backbone with { image_size = 32 },
                prototypes = recipe.prototypes with { shrinkage = 0.2, teen_alpha = 0.2 },
                training = recipe.training with { epochs = 80, label_smoothing = 0.05, warmup_steps = 300, validation = 0.07 },
            },
            _ => recipe,
        };
    }
}
