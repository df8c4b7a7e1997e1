namespace MambaExt.Fscil.Recipes;

/// <summary>How a projector learns the base classes from the frozen backbone's maps.</summary>
public sealed record ProjectorTraining
{
    /// <summary>Passes over the base training images, each over the next of their views.</summary>
    public int epochs { get; init; } = 20;

    /// <summary>Maps a step.</summary>
    public int batch_size { get; init; } = 128;

    /// <summary>Largest learning rate of SGD, cosine with a tenth of the steps as warm-up.</summary>
    public double learning_rate { get; init; } = 0.1;

    /// <summary>Momentum of SGD.</summary>
    public double momentum { get; init; } = 0.9;

    /// <summary>Weight decay.</summary>
    public double weight_decay { get; init; } = 5e-4;

    /// <summary>Probability that a batch's maps are mixed with those of another order of it, half and half.</summary>
    public double mixup { get; init; } = 0.5;

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
    }
}
