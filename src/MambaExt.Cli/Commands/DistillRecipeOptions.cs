using System.CommandLine;
using System.CommandLine.Parsing;
using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Distill.Training;
using MambaExt.Training;

namespace MambaExt.Cli.Commands;

/// <summary>Options of <c>distill run</c> that change the recipe of the data set. Each is named as in <c>config.json</c>.</summary>
internal static class DistillRecipeOptions
{
    /// <summary>A path: written in full to the config.</summary>
    public static readonly Option<string?> TeacherFrom = CommonOptions.Folder("--teacher_from", "Run folder whose teachers of the same seeds are taken instead of training new ones.");

    private static readonly Option<string[]> Students = CommonOptions.List("--students", "Sizes of the students, 14x12x8x1,7x28x16x1 say.");
    private static readonly Option<double[]> Shares = SharesOption();
    private static readonly Option<int> TeacherEpochs = CommonOptions.Value<int>("--teacher_epochs", "Epochs of the teacher.");
    private static readonly Option<int> TeacherBatchSize = CommonOptions.Value<int>("--teacher_batch_size", "Images of a step of the teacher.");
    private static readonly Option<double> TeacherSmoothing = CommonOptions.Value<double>("--teacher_smoothing", "Smoothing of the teacher's labels.");

    private static readonly List<(Option Option, Func<ParseResult, DistillRecipe, DistillRecipe> Apply)> Entries =
    [
        Entry(CommonOptions.Choice("--mode", "How a student joins those before it.", StageMode.Names), (v, r) => Distill(r, d => d with { mode = v })),
        Entry(Losses(), (v, r) => WithLosses(r, LossTerm.Parse(v))),
        Of<double>("--lambda_solo", "What a student's own losses count beside the prefix's; mode joint only", (v, r) => Distill(r, d => d with { lambda_solo = v })),
        Of<bool>("--reuse", "Each student's head reads the feature of the one before it", (v, r) => Distill(r, d => d with { reuse = v })),
        Of<double>("--accept", "Nats by which a prefix must improve the held-out likelihood for its last student to be kept (default: every student is)", (v, r) => Distill(r, d => d with { accept = v })),
        Of<int>("--tries", "Tries of a stage, each with reuse and twice the width of the one before, before the ladder ends", (v, r) => Distill(r, d => d with { tries = v })),
        Of<double>("--clip_logits", "Magnitude that logits are clipped to; mode boosted only", (v, r) => Distill(r, d => d with { clip_logits = v })),
        Entry(CommonOptions.Choice("--teacher", "Kind of the teacher.", "mamba", "resnet"), (v, r) => r with { teacher = v }),
        Entry(TeacherFrom, (v, r) => r with { teacher_from = Path.GetFullPath(v!) }),
        Of<string>("--teacher_size", "patch x d_model x d_state x blocks of the Mamba teacher, which a residual teacher is made to cost as much as", (v, r) => Teacher(r, t => t.WithSize(v))),
        Entry(CommonOptions.Choice("--scan", "How the Mamba teacher reads the patches.", ScanKind.All), (v, r) => Teacher(r, t => t with { scan = v })),
        Of<int>("--stem_channels", "Channels of a convolution before the patches of the Mamba teacher; 0: none", (v, r) => Teacher(r, t => t with { stem_channels = v })),
        Of<int>("--stem_stride", "Stride of that convolution", (v, r) => Teacher(r, t => t with { stem_stride = v })),
        Entry(Students, (v, r) => r with { students = v, shares = [] }),
        Entry(Shares, (v, r) => r with { shares = v, students = [] }),
        Entry(CommonOptions.Choice("--student_scan", "How the students read the patches.", ScanKind.All), (v, r) => r with { student_scan = v }),
        Of<int>("--student_stem_channels", "Channels of a convolution before the patches of every student; 0: none", (v, r) => r with { student_stem_channels = v }),
        Of<int>("--image_size", "Height and width that images are brought to (default: their own)", (v, r) => r with { image_size = v }),
        Of<double>("--held_out", "Share of the training images that nothing is trained on", (v, r) => r with { held_out = v }),
        Entry(CommonOptions.Choice("--augmentation", "What training images go through.", Augmentation.Names), (v, r) => r with { augmentation = v }),
        Of<int>("--draws", "Numbered draws of each image; 0: new ones each epoch, whose logits are not kept", (v, r) => r with { draws = v }),
        Of<bool>("--single", "Train one student of the group's FLOPs too", (v, r) => r with { single = v }),
        Of<bool>("--without_teacher", "Train every student without a teacher too", (v, r) => r with { without_teacher = v }),
        Of<double>("--exit_share", "Mean FLOPs an image, as a share of the group's, that the threshold of early exit in the saved group is calibrated for (default: 0.2)", (v, r) => r with { exit_share = v }),
        Entry(TeacherEpochs, (v, r) => r with { teacher_training = r.teacher_training with { epochs = v } }),
        Of<double>("--teacher_learning_rate", "Largest learning rate of the teacher, and of the single student", (v, r) => r with { teacher_training = r.teacher_training with { learning_rate = v } }),
        Entry(TeacherBatchSize, (v, r) => r with { teacher_batch_size = v }),
        Entry(TeacherSmoothing, (v, r) => r with { teacher_smoothing = v }),
        Of<int>("--epochs", "Epochs of each student", (v, r) => Student(r, t => t with { epochs = v })),
        Of<double>("--learning_rate", "Largest learning rate of the students", (v, r) => Student(r, t => t with { learning_rate = v })),
        Of<int>("--batch_size", "Images of a step of the students", (v, r) => Distill(r, d => d with { batch_size = v })),
        Of<double>("--weight_decay", "Weight decay of teacher and students", (v, r) => Both(r, t => t with { weight_decay = v })),
        Of<int>("--validate_every", "Epochs between two looks at the held-out images", (v, r) => Both(r, t => t with { validate_every = v })),
        Of<double>("--ema", "Decay of a moving average of the weights, which is validated and kept; 0: none", (v, r) => Both(r, t => t with { ema = v })),
    ];

    public static IEnumerable<Option> All => Entries.Select(e => e.Option);

    /// <summary>Adds the errors of options that exclude one another.</summary>
    public static void Check(CommandResult result)
    {
        if (result.GetResult(Students) is { Implicit: false } && result.GetResult(Shares) is { Implicit: false })
        {
            result.AddError("--students and --shares were given; give sizes, or shares that sizes are found for.");
        }

        foreach (Option option in new Option[] { TeacherEpochs, TeacherBatchSize, TeacherSmoothing })
        {
            if (result.GetResult(TeacherFrom) is { Implicit: false } && result.GetResult(option) is { Implicit: false })
            {
                result.AddError($"{option.Name} says how a teacher is trained and --teacher_from takes trained ones; leave one of them out.");
            }
        }
    }

    /// <summary>The recipe with what the command line says.</summary>
    public static DistillRecipe Apply(ParseResult parsed, DistillRecipe recipe) => Entries.Aggregate(recipe, (r, entry) => entry.Apply(parsed, r));

    private static DistillRecipe Distill(DistillRecipe r, Func<DistillOptions, DistillOptions> change) => r with { distill = change(r.distill) };

    private static DistillRecipe Teacher(DistillRecipe r, Func<PatchMambaOptions, PatchMambaOptions> change) => r with { teacher_options = change(r.teacher_options) };

    private static DistillRecipe Student(DistillRecipe r, Func<TrainingOptions, TrainingOptions> change) => Distill(r, d => d with { training = change(d.training) });

    private static DistillRecipe Both(DistillRecipe r, Func<TrainingOptions, TrainingOptions> change) => Student(r, change) with { teacher_training = change(r.teacher_training) };

    private static (Option, Func<ParseResult, DistillRecipe, DistillRecipe>) Of<T>(string name, string description, Func<T, DistillRecipe, DistillRecipe> change)
        where T : IParsable<T> => Entry(CommonOptions.Value<T>(name, description + "."), change);

    private static (Option, Func<ParseResult, DistillRecipe, DistillRecipe>) Entry<T>(Option<T> option, Func<T, DistillRecipe, DistillRecipe> change) =>
        (option, (parsed, recipe) => parsed.GetResult(option) is { Implicit: false } ? change(parsed.GetValue(option)!, recipe) : recipe);

    private static Option<string> Losses() => new("--losses")
    {
        Description = $"Losses of modes joint and independent as name:weight:constant=value,...: {string.Join(", ", LossTerm.Names)}; features by student=PATH:teacher=PATH.",
        HelpName = "NAME:WEIGHT,...",
    };

    private static DistillRecipe WithLosses(DistillRecipe recipe, IReadOnlyList<LossTerm> losses) =>
        Distill(recipe, d => d with { losses = losses, distillation_head = losses.Any(loss => loss.OfDistillationHead) });

    private static Option<double[]> SharesOption() => new("--shares")
    {
        Description = "Shares of the teacher's FLOPs that students are found for, 0.01,0.05 say.",
        HelpName = "SHARE,...",
        CustomParser = result =>
        {
            string given = string.Join(',', result.Tokens.Select(t => t.Value));
            string[] words = given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            double[] shares = [.. words.Select(w => double.TryParse(w, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out double share) ? share : 0)];
            return shares.Length > 0 && shares.All(s => s is > 0 and <= 1) ? shares : CommonOptions.Refuse<double[]>(result, "--shares", given, "give shares above 0 and at most 1, apart by commas");
        },
    };
}
