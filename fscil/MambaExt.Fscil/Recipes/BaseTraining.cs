using MambaExt.Training;

namespace MambaExt.Fscil.Recipes;

/// <summary>How the backbone learns the base classes.</summary>
public sealed record BaseTraining : TrainingOptions
{
    /// <summary>SGD over 30 epochs, cosine, without an early end.</summary>
    public BaseTraining() => (epochs, optimizer, learning_rate, weight_decay, schedule, clip, patience) = (30, "sgd", 0.2, 5e-4, "cosine", 0, 0);

    /// <summary>Images a step, in all.</summary>
    public int batch_size { get; init; } = 128;

    /// <summary>
    /// What it is trained under: cosine (a cosine classifier with a scale), nc (the MLP projector and simplex of NC-FSCIL) or mamba (the base projector and
    /// simplex of Mamba-FSCIL), the last two as published, with dot-regression.
    /// </summary>
    public string head { get; init; } = "cosine";

    /// <summary>Scale of the cosine classifier.</summary>
    public double scale { get; init; } = 16;

    /// <summary>Label smoothing of the cosine classifier.</summary>
    public double label_smoothing { get; init; } = 0.1;

    /// <summary>Alpha of mixup (Zhang et al., arXiv 1710.09412).</summary>
    public double mixup_alpha { get; init; } = 0.8;

    /// <summary>Probability that a batch is mixed.</summary>
    public double mixup { get; init; }

    /// <summary>Alpha of cutmix (Yun et al., arXiv 1905.04899).</summary>
    public double cutmix_alpha { get; init; } = 1;

    /// <summary>Probability that a batch is cut and mixed; a batch has one of the two at most.</summary>
    public double cutmix { get; init; }

    /// <summary>The released CIFAR-100 code adds the loss of the first label of a mixed image a second time; false leaves that out.</summary>
    public bool mixed_extra_term { get; init; }

    /// <summary>Augmentation of each image.</summary>
    public string augment { get; init; } = "none";

    /// <summary>Dot-regression under a simplex weights each class of a batch alike.</summary>
    public bool balanced { get; init; }

    /// <summary>Part of the learning rate for the backbone, where it begins from published weights.</summary>
    public double backbone_share { get; init; } = 1;

    /// <summary>Part of the base training images that is kept from training to choose the epoch and settings by.</summary>
    public double validation { get; init; } = 0.1;

    /// <summary>By what the epoch is chosen: validation, last, or test (as the published code; the result says so).</summary>
    public string choose { get; init; } = "validation";

    /// <summary>Epochs, counted from 0, from which on the learning rate is <see cref="TrainingOptions.decay_factor"/> times what it was, instead of the schedule; none: the schedule.</summary>
    public int[] milestones { get; init; } = [];

    /// <summary>Share of the learning rate that the warm-up begins with, where milestones or a cool-down are given.</summary>
    public double warmup_start { get; init; }

    /// <summary>Last steps of a cosine schedule, at a tenth of its final learning rate; 0 for none.</summary>
    public int cooldown_steps { get; init; }

    /// <summary>Mean and deviation of each channel: measured (on the base training images), imagenet or cifar100 (as published).</summary>
    public string normalization { get; init; } = "measured";

    /// <summary>The share of the learning rate at a step, where it is one that <see cref="LearningRateSchedule"/> has not; else null.</summary>
    /// <param name="stepsPerEpoch">Optimizer steps of an epoch</param>
    internal Func<long, double>? Schedule(int stepsPerEpoch)
    {
        if (milestones.Length > 0)
        {
            return step => CoolDown.Rise(step, warmup_steps, warmup_start) * Math.Pow(decay_factor, milestones.Count(m => step / stepsPerEpoch >= m));
        }

        return cooldown_steps > 0 ? new CoolDown(new LearningRateSchedule(this, stepsPerEpoch).TotalSteps, warmup_steps, cooldown_steps, final_learning_rate, warmup_start).Factor : null;
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        IEnumerable<string?> more =
        [
            Unless(batch_size >= 2, "base batch_size", batch_size, "2 or more"),
            Unless(head is "cosine" or "nc" or "mamba", nameof(head), $"'{head}'", "cosine, nc or mamba"),
            Unless(scale > 0 && double.IsFinite(scale), nameof(scale), scale, "a number above 0"),
            Unless(label_smoothing is >= 0 and < 1, nameof(label_smoothing), label_smoothing, "0 up to, not with, 1"),
            Unless(mixup >= 0 && cutmix >= 0 && mixup + cutmix <= 1, "mixup and cutmix", FormattableString.Invariant($"{mixup} and {cutmix}"), "probabilities whose sum is at most 1"),
            Unless(mixup_alpha > 0 && cutmix_alpha > 0, "mixup_alpha and cutmix_alpha", FormattableString.Invariant($"{mixup_alpha} and {cutmix_alpha}"), "numbers above 0"),
            Unless(Augmentations.Names.Contains(augment), nameof(augment), $"'{augment}'", string.Join(", ", Augmentations.Names)),
            Unless(backbone_share is >= 0 and <= 1, nameof(backbone_share), backbone_share, "0 to 1"),
            Unless(validation is >= 0 and <= 0.5, nameof(validation), validation, "0 to 0.5"),
            Unless(choose is "validation" or "last" or "test", nameof(choose), $"'{choose}'", "validation, last or test"),
            Unless(milestones.All(m => m >= 1) && (milestones.Length == 0 || cooldown_steps == 0), "milestones and cooldown_steps", FormattableString.Invariant($"{string.Join(' ', milestones)} and {cooldown_steps}"), "epochs of 1 or more, or a cool-down"),
            Unless(warmup_start is >= 0 and <= 1 && cooldown_steps >= 0, "warmup_start and cooldown_steps", FormattableString.Invariant($"{warmup_start} and {cooldown_steps}"), "a share from 0 to 1, and 0 or more"),
            Unless(cooldown_steps == 0 || schedule == "cosine", nameof(cooldown_steps), cooldown_steps, "0, or the cosine schedule"),
            Unless(Augmentations.Normalizations.Contains(normalization), nameof(normalization), $"'{normalization}'", string.Join(", ", Augmentations.Normalizations)),
            Unless(choose != "validation" || validation > 0, nameof(validation), validation, "a part above 0, or choose the last epoch"),
        ];
        return base.Problems().Concat(more.OfType<string>());
    }
}
