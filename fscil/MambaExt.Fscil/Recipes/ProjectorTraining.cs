namespace MambaExt.Fscil.Recipes;

/// <summary>How a projector learns the base classes from the frozen backbone's maps.</summary>
public sealed record ProjectorTraining
{
    /// <summary>Passes over the base training images, each over the next of their views.</summary>
    public int epochs { get; init; } = 20;

    /// <summary>Maps a step.</summary>
    public int batch_size { get; init; } = 128;

    /// <summary>Largest learning rate of SGD, cosine behind a warm-up.</summary>
    public double learning_rate { get; init; } = 0.1;

    /// <summary>Momentum of SGD.</summary>
    public double momentum { get; init; } = 0.9;

    /// <summary>Weight decay.</summary>
    public double weight_decay { get; init; } = 5e-4;

    /// <summary>Part of the steps over which the rate rises at first.</summary>
    public double warmup { get; init; } = 0.1;

    /// <summary>Gradients are scaled down to this norm; 0 for never.</summary>
    public double clip { get; init; } = 1;

    /// <summary>Probability that a batch's maps are mixed with those of another order of it, half and half.</summary>
    public double mixup { get; init; } = 0.5;

    /// <summary>Steps of the warm-up.</summary>
    internal int WarmupSteps(int steps) => (int)(steps * warmup);

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        if (epochs < 1 || batch_size < 2)
        {
            yield return $"projector epochs and batch_size are {epochs} and {batch_size}; give 1 or more, and 2 or more.";
        }

        if (!(learning_rate > 0 && double.IsFinite(learning_rate)) || momentum is not (>= 0 and < 1) || !(weight_decay >= 0) || mixup is not (>= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"projector learning_rate, momentum, weight_decay and mixup are {learning_rate}, {momentum}, {weight_decay} and {mixup}; give a rate above 0, a momentum below 1, 0 or more, and 0 to 1.");
        }

        if (warmup is not (>= 0 and < 1) || !(clip >= 0))
        {
            yield return FormattableString.Invariant($"projector warmup and clip are {warmup} and {clip}; give a part of 0 up to, not with, 1, and 0 (never) or more.");
        }
    }
}
