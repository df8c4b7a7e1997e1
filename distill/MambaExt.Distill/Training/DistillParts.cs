using MambaExt.Distill.Stages;

namespace MambaExt.Distill.Training;

/// <summary>One training of an experiment.</summary>
/// <param name="Seed">Of weights and data order</param>
/// <param name="Part">teacher, student, without-teacher, single or evaluation</param>
/// <param name="Student">t, from 1; 0 where there is none</param>
/// <param name="Try">From 0</param>
public readonly record struct DistillKey(int Seed, string Part, int Student = 0, int Try = 0)
{
    /// <summary>Names of the parts.</summary>
    public const string Teacher = "teacher", OfStudent = "student", WithoutTeacher = "without-teacher", Single = "single", Evaluation = "evaluation";

    /// <summary>Its folder below the run's models.</summary>
    public string Folder => $"seed-{Seed}/{Part}{(Student > 0 ? $"-{Student}" : "")}";

    /// <summary>A seed of its own for weights and data order.</summary>
    public int OwnSeed => checked((Seed * 1000) + Part switch { Teacher => 0, OfStudent => (10 * Student) + Try, WithoutTeacher => 500 + (10 * Student), Single => 990, _ => 999 });
}

/// <summary>What came of one training.</summary>
public sealed record DistillPart
{
    /// <summary>Of weights and data order.</summary>
    public int seed { get; init; }

    /// <summary>teacher, student, without-teacher, single or evaluation.</summary>
    public string part { get; init; } = "";

    /// <summary>t, from 1; 0 where there is none.</summary>
    public int student { get; init; }

    /// <summary>Size of the model.</summary>
    public string? size { get; init; }

    /// <summary>Whether its head reads the feature of the student before.</summary>
    public bool reuse { get; init; }

    /// <summary>False where it was not needed: the ladder had ended, or an earlier try was kept.</summary>
    public bool trained { get; init; }

    /// <summary>Whether it is a part of the group.</summary>
    public bool kept { get; init; }

    /// <summary>a and b of its stage.</summary>
    public double[]? scales { get; init; }

    /// <summary>How it, or for a student its prefix, does on the held-out images.</summary>
    public Scores? held_out { get; init; }

    /// <summary>Held-out likelihood gained over the prefix before, nats an image.</summary>
    public double? gain { get; init; }

    /// <summary>Numbers trained beside it and thrown away.</summary>
    public long adapter_parameters { get; init; }

    /// <summary>Epochs and steps trained, and the epoch chosen.</summary>
    public int epochs { get; init; }

    /// <inheritdoc cref="epochs"/>
    public long steps { get; init; }

    /// <inheritdoc cref="epochs"/>
    public int best_epoch { get; init; }

    /// <summary>Wall time of training and validation.</summary>
    public double seconds { get; init; }

    /// <summary>Everything that was asked of the test images, once a seed.</summary>
    public Evaluation? evaluation { get; init; }
}

/// <summary>What the test images say of one seed.</summary>
public sealed record Evaluation
{
    /// <summary>The teacher.</summary>
    public required Scores teacher { get; init; }

    /// <summary>Prefix 1 ... T.</summary>
    public required IReadOnlyList<PrefixEvaluation> prefixes { get; init; }

    /// <summary>One student of the group's FLOPs; null where none was trained.</summary>
    public Scores? single { get; init; }

    /// <summary>Share of images that some prefix gets right and a later one wrong, percent.</summary>
    public double right_then_wrong { get; init; }

    /// <summary>Early exit: thresholds chosen on held-out images, mean FLOPs and accuracy on the test images.</summary>
    public IReadOnlyList<Inference.ExitPoint> early_exit { get; init; } = [];
}

/// <summary>A prefix on the test images.</summary>
/// <param name="students">t</param>
/// <param name="size">Of student t</param>
/// <param name="scores">Of the prefix, with the refitted weights</param>
/// <param name="own">Of the prefix as its mode combines it, without refit</param>
/// <param name="solo">Of student t alone</param>
/// <param name="without_teacher">Of the same student trained without a teacher; null where none was</param>
/// <param name="weight">Refitted weight of student t in this prefix</param>
/// <param name="flops">Operations an image of the prefix</param>
/// <param name="parameters">Trainable numbers of the prefix</param>
/// <param name="solo_flops">Operations an image of student t</param>
public sealed record PrefixEvaluation(
    int students, string size, Scores scores, Scores own, Scores solo, Scores? without_teacher, double weight, long flops, long parameters, long solo_flops);
