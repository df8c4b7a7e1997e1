using System.Text.Json.Serialization;
using MambaExt.Distill.Accounting;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Students;
using MambaExt.Training;
using MambaExt.Vision;

namespace MambaExt.Distill.Training;

/// <summary>A whole experiment for a data set: teacher, students, and how each is trained, as chosen on a held-out part of the training images.</summary>
public sealed record DistillRecipe
{
    /// <summary>mamba, or resnet: a small residual network of the FLOPs of the Mamba teacher.</summary>
    public string teacher { get; init; } = "mamba";

    /// <summary>The Mamba teacher; its image and classes hold for the students too.</summary>
    public PatchMambaOptions teacher_options { get; init; } = new();

    /// <summary>The residual teacher; null for the one of at most the Mamba teacher's FLOPs and not much less: <see cref="ResNetSize"/>.</summary>
    public ResNetOptions? resnet { get; init; }

    /// <summary>Run folder whose teachers of the same seeds are taken instead of training new ones; null trains.</summary>
    public string? teacher_from { get; init; }

    /// <summary>How the teacher is trained.</summary>
    public TrainingOptions teacher_training { get; init; } = new DistillOptions().training;

    /// <summary>Images of a step of the teacher.</summary>
    public int teacher_batch_size { get; init; } = 128;

    /// <summary>Smoothing of the teacher's labels.</summary>
    public double teacher_smoothing { get; init; }

    /// <summary>Sizes of the students, patch x d_model x d_state x blocks, first to last; empty for those that <see cref="shares"/> ask for.</summary>
    public IReadOnlyList<string> students { get; init; } = [];

    /// <summary>Shares of the teacher's FLOPs that students are found for.</summary>
    public IReadOnlyList<double> shares { get; init; } = [];

    /// <summary>Scan of the students; see <see cref="ScanKind"/>.</summary>
    public string student_scan { get; init; } = ScanKind.Forward;

    /// <summary>How students are distilled.</summary>
    public DistillOptions distill { get; init; } = new();

    /// <summary>Share of the training images that nothing is trained on: prefix weights, acceptance, thresholds and the epoch are chosen there.</summary>
    public double held_out { get; init; } = 0.1;

    /// <summary>What a training image goes through: <see cref="Augmentation"/>.</summary>
    public string augmentation { get; init; } = "none";

    /// <summary>Height and width that images are brought to; 0 for their own, which must then be one.</summary>
    public int image_size { get; init; }

    /// <summary>R, numbered draws of each image; 0 for a new one each epoch, which nothing can be kept of.</summary>
    public int draws { get; init; } = 16;

    /// <summary>Also train one student of the group's FLOPs by plain distillation: the Mamba teacher, narrower.</summary>
    public bool single { get; init; } = true;

    /// <summary>Also train every student without a teacher.</summary>
    public bool without_teacher { get; init; } = true;

    /// <summary>Mean FLOPs an image, as a share of the whole group's, that the saved group's threshold of early exit is calibrated for; null for
    /// <see cref="DefaultExitShare"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? exit_share { get; init; }

    /// <summary>The share of a recipe that names none.</summary>
    public const double DefaultExitShare = 0.2;

    /// <summary>What all students share.</summary>
    internal PatchMambaOptions Like => teacher_options with { scan = student_scan, stem_channels = 0, stem_stride = 1, distillation_head = false };

    /// <summary>The students' sizes.</summary>
    public IReadOnlyList<PatchMambaOptions> Ladder() => students.Count > 0
        ? StudentLadder.Of(Like, students)
        : [.. shares.Select(share => share is > 0 and <= 1
            ? StudentLadder.ForTarget(Like, (long)(share * TeacherFlops), ($"the teacher, {TeacherSize}", TeacherFlops))
            : throw new ArgumentException(FormattableString.Invariant($"A student was asked for with {share} of the teacher's FLOPs; give shares above 0 and at most 1.")))];

    /// <summary>The teacher as tables name it.</summary>
    internal string TeacherSize => teacher == "resnet" ? "resnet" : teacher_options.Size;

    /// <summary>Operations an image of the teacher.</summary>
    public long TeacherFlops => TeacherCost.flops;

    /// <summary>Operations and parameters of the teacher.</summary>
    internal LayerCost TeacherCost => teacher == "resnet"
        ? ResNetCost.Total(Residual, teacher_options.height, teacher_options.width, teacher_options.classes)
        : FlopCount.Total(teacher_options);

    /// <summary>The residual teacher for these images.</summary>
    internal ResNetOptions Residual => resnet is { } given
        ? given with { input_channels = teacher_options.channels }
        : ResNetSize.ForTarget(FlopCount.Total(teacher_options).flops, teacher_options.channels, teacher_options.height, teacher_options.width, teacher_options.classes);

    /// <summary>The single student of so many operations an image; null where none is that cheap.</summary>
    internal PatchMambaOptions? SingleOf(long flops) => StudentLadder.Narrowed(teacher_options, flops);

    /// <summary>Throws a sentence a value that is out of range, all of them together.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public void Validate()
    {
        teacher_options.Validate();
        teacher_training.Validate();
        distill.Validate();
        string[] problems = [.. Problems()];
        if (problems.Length > 0)
        {
            throw new ArgumentException(string.Join(' ', problems));
        }

        if (teacher == "resnet")
        {
            Residual.Validate();
        }

        long group = Ladder().Sum(student => FlopCount.Total(student).flops);
        if (single && SingleOf(group) is null)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The students together cost {group:n0} FLOPs an image and a single student costs more: the teacher {teacher_options.Size} at d_model 2 takes {FlopCount.Total(teacher_options with { d_model = 2 }).flops:n0}; give larger students, or single false."));
        }

        _ = Augmentation.Steps(augmentation);
    }

    private IEnumerable<string> Problems()
    {
        if (teacher is not ("mamba" or "resnet"))
        {
            yield return $"teacher is '{teacher}'; allowed are mamba and resnet.";
        }

        if (students.Count == 0 && shares.Count == 0)
        {
            yield return "There is no student; give sizes, 14x12x8x1,7x28x16x1 say, or shares of the teacher's FLOPs.";
        }

        if (image_size is < 0 or > 4096)
        {
            yield return $"image_size is {image_size}; give 0 (as they are) to 4096.";
        }

        if (held_out is not (> 0 and < 1))
        {
            yield return FormattableString.Invariant($"held_out is {held_out}; give a share above 0 and below 1.");
        }

        if (teacher_smoothing is not (>= 0 and < 1))
        {
            yield return FormattableString.Invariant($"teacher_smoothing is {teacher_smoothing}; give 0 to below 1.");
        }

        if (exit_share is { } share && !(share is > 0 and <= 1))
        {
            yield return FormattableString.Invariant($"exit_share is {share}; give a share of the group's FLOPs above 0 and at most 1.");
        }

        if (draws is < 0 or > 1024 || teacher_batch_size < 1)
        {
            yield return $"draws is {draws} and teacher_batch_size {teacher_batch_size}; give 0 to 1024 draws and batches of 1 or more.";
        }
    }
}
