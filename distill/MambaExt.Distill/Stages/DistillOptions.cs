using MambaExt.Distill.Losses;
using MambaExt.Training;

namespace MambaExt.Distill.Stages;

/// <summary>How students are distilled, stage after stage.</summary>
public sealed record DistillOptions
{
    private const double DefaultSolo = 0.5, DefaultClip = 10;

    /// <summary>One of <see cref="StageMode.Names"/>.</summary>
    public string mode { get; init; } = "joint";

    /// <summary>Losses of the modes joint and independent.</summary>
    public IReadOnlyList<LossTerm> losses { get; init; } = LossTerm.Default;

    /// <summary>What a student's own losses count beside the prefix's in the joint mode; other modes have no use for it.</summary>
    public double lambda_solo { get; init; } = DefaultSolo;

    /// <summary>Each student's head reads the feature of the one before it.</summary>
    public bool reuse { get; init; }

    /// <summary>A second head for deit-soft and deit-hard. In mode independent the teacher alone trains it; in mode joint the losses of the prefix, which
    /// answers with the mean of both heads, train it too.</summary>
    public bool distillation_head { get; init; }

    /// <summary>By how much the held-out likelihood (nats an image) of a prefix must improve for its last student to be kept; null keeps every student.</summary>
    public double? accept { get; init; }

    /// <summary>Tries of a stage: the second reads the feature of the student before it, and each is twice as wide as the one before. A stage that fails
    /// ends the ladder.</summary>
    public int tries { get; init; } = 1;

    /// <summary>Magnitude that the boosted mode clips logits to; other modes have no use for it.</summary>
    public double clip_logits { get; init; } = DefaultClip;

    /// <summary>Images of a step.</summary>
    public int batch_size { get; init; } = 128;

    /// <summary>How each student is trained.</summary>
    public TrainingOptions training { get; init; } = new()
    {
        epochs = 16, patience = 0, learning_rate = 4e-3, weight_decay = 0.01, schedule = "cosine", warmup_steps = 50, clip = 1, validate_every = 4,
    };

    /// <summary>Throws a sentence a value that is out of range, all of them together.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public void Validate()
    {
        string[] problems = [.. Problems()];
        if (problems.Length > 0)
        {
            throw new ArgumentException(string.Join(' ', problems));
        }
    }

    /// <summary>Throws a sentence where so many training images do not go with these options.</summary>
    /// <exception cref="ArgumentException">A loss that correlates the images of a batch would be given one alone.</exception>
    public void ValidateFor(int images)
    {
        int batch = Math.Min(batch_size, images);
        if (losses.FirstOrDefault(loss => loss.NeedsTwo) is { } term && images % batch is var last && (batch == 1 || last == 1))
        {
            throw new ArgumentException($"The loss {term.name} correlates the images of a batch, and {images} images in batches of {batch} end with one of 1; give another batch_size.");
        }
    }

    /// <summary>These for one student that stands for itself and is trained by other losses.</summary>
    internal DistillOptions Alone(IReadOnlyList<LossTerm> by) =>
        this with { mode = "independent", losses = by, reuse = false, distillation_head = false, accept = null, tries = 1, lambda_solo = DefaultSolo, clip_logits = DefaultClip };

    private IEnumerable<string> Problems()
    {
        foreach (string problem in losses.SelectMany(loss => loss.Problems()).Concat(training.Problems()))
        {
            yield return problem;
        }

        foreach (string label in losses.GroupBy(loss => loss.Label).Where(same => same.Count() > 1).Select(same => same.Key))
        {
            yield return $"The loss {label} is given more than once; give it once with the sum of the weights.";
        }

        if (!StageMode.Names.Contains(mode))
        {
            yield return $"There is no mode '{mode}'; allowed are {string.Join(", ", StageMode.Names)}{(NameSuggestion.Nearest(mode, StageMode.Names) is { } near ? $" (did you mean {near}?)" : "")}.";
        }

        bool own = mode is "residual" or "boosted";
        if (own && losses.Any(loss => !loss.OfFeatures) && !losses.SequenceEqual(LossTerm.Default))
        {
            yield return $"Mode {mode} compares logits by a loss of its own and would ignore {string.Join(", ", losses.Where(loss => !loss.OfFeatures).Select(loss => loss.name))}; give losses of features (fitnets, at) or none, or mode joint or independent.";
        }

        if (!own && (losses.Count == 0 || losses.All(loss => loss.OfFeatures)))
        {
            yield return "No loss compares logits, so nothing would train the heads; add ce or kd.";
        }

        if (!(lambda_solo >= 0 && double.IsFinite(lambda_solo)))
        {
            yield return FormattableString.Invariant($"lambda_solo is {lambda_solo}; give 0 or more.");
        }

        if (mode != "joint" && lambda_solo != DefaultSolo)
        {
            yield return FormattableString.Invariant($"lambda_solo is {lambda_solo} and mode {mode} would ignore it; leave it out, or give mode joint.");
        }

        if (accept is { } least && !double.IsFinite(least))
        {
            yield return FormattableString.Invariant($"accept is {least}; give a finite number of nats, 0.001 say, or leave it out.");
        }

        if (tries is < 1 or > 8)
        {
            yield return $"tries is {tries}; give 1 to 8.";
        }

        if (tries > 1 && accept is null)
        {
            yield return $"tries is {tries} and every student is kept; give accept, or leave it 1.";
        }

        if (!(clip_logits > 0 && double.IsFinite(clip_logits)))
        {
            yield return FormattableString.Invariant($"clip_logits is {clip_logits}; give a number above 0.");
        }

        if (mode != "boosted" && clip_logits != DefaultClip)
        {
            yield return FormattableString.Invariant($"clip_logits is {clip_logits} and mode {mode} would ignore it; leave it out, or give mode boosted.");
        }

        if (batch_size < 1)
        {
            yield return $"batch_size is {batch_size}; give 1 or more.";
        }

        string[] deit = [.. losses.Where(loss => loss.OfDistillationHead).Select(loss => loss.name)];
        if (distillation_head && deit.Length == 0)
        {
            yield return "distillation_head is set and no loss trains that head; add deit-soft or deit-hard.";
        }

        if (!distillation_head && deit.Length > 0)
        {
            yield return $"The loss {deit[0]} trains a distillation head and the students have none; set distillation_head, or give kd.";
        }
    }
}
