namespace MambaExt.Training;

/// <summary>How a model is trained, whatever it is: the numbers that <see cref="Trainer"/> reads.</summary>
public record TrainingOptions
{
    /// <summary>Most epochs, passes over the training data.</summary>
    public int epochs { get; init; } = 200;

    /// <summary>Most optimizer steps; 0 for as many as the epochs have.</summary>
    public int steps { get; init; }

    /// <summary>Stop after this many epochs without a better validation score; 0 for never.</summary>
    public int patience { get; init; } = 100;

    /// <summary>Validate every so many epochs, and after the last.</summary>
    public int validate_every { get; init; } = 1;

    /// <summary>adamw (Loshchilov and Hutter, arXiv 1711.05101); adam (Kingma and Ba, arXiv 1412.6980), whose weight decay is part of the gradient and so
    /// draws weights that the data leave alone to zero, as the published networks for few labels have it; or sgd (with momentum).</summary>
    public string optimizer { get; init; } = "adamw";

    /// <summary>Largest learning rate of the schedule.</summary>
    public double learning_rate { get; init; } = 0.01;

    /// <summary>Weight decay; A_log, D and the bias of delta go without.</summary>
    public double weight_decay { get; init; } = 5e-4;

    /// <summary>Momentum of sgd.</summary>
    public double momentum { get; init; } = 0.9;

    /// <summary>The gradient of sgd is taken with the momentum's next step in view (Sutskever et al., ICML 2013).</summary>
    public bool nesterov { get; init; }

    /// <summary>constant, cosine (to <see cref="final_learning_rate"/>) or step (times <see cref="decay_factor"/> every <see cref="decay_epochs"/>).</summary>
    public string schedule { get; init; } = "constant";

    /// <summary>Steps over which the learning rate rises linearly from 0 to its first value.</summary>
    public int warmup_steps { get; init; }

    /// <summary>Where the cosine schedule ends, as a share of <see cref="learning_rate"/>.</summary>
    public double final_learning_rate { get; init; }

    /// <summary>Epochs between two decays of the step schedule.</summary>
    public int decay_epochs { get; init; } = 30;

    /// <summary>What each of them multiplies by.</summary>
    public double decay_factor { get; init; } = 0.1;

    /// <summary>Gradients are scaled down to this norm over all parameters; 0 for never.</summary>
    public double clip { get; init; } = 1;

    /// <summary>Batches whose gradients are averaged before a step.</summary>
    public int accumulate { get; init; } = 1;

    /// <summary>Decay of an exponential moving average of the weights, which is then validated and kept; 0 for none.</summary>
    public double ema { get; init; }

    /// <summary>float32; bfloat16: forward and backward in bfloat16, weights and optimizer in float32; auto: bfloat16 on a GPU and on a CPU
    /// that <see cref="Compute.HasBFloat16"/>, else float32.</summary>
    public string precision { get; init; } = "float32";

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

    /// <summary>A sentence for each value that is out of range: what it is and what is allowed.</summary>
    public virtual IEnumerable<string> Problems()
    {
        IEnumerable<string?> all =
        [
            Unless(epochs >= 1, nameof(epochs), epochs, "1 or more"),
            Unless(steps >= 0, nameof(steps), steps, "0 (as many as the epochs have) or more"),
            Unless(patience >= 0, nameof(patience), patience, "0 (never stop early) or more"),
            Unless(validate_every >= 1, nameof(validate_every), validate_every, "1 or more"),
            Unless(optimizer is "adamw" or "adam" or "sgd", nameof(optimizer), $"'{optimizer}'", "adamw, adam or sgd"),
            Unless(learning_rate > 0 && double.IsFinite(learning_rate), nameof(learning_rate), learning_rate, "above 0 and finite"),
            Unless(weight_decay >= 0 && double.IsFinite(weight_decay), nameof(weight_decay), weight_decay, "0 or more and finite"),
            Unless(momentum is >= 0 and < 1, nameof(momentum), momentum, "from 0 to below 1"),
            Unless(!nesterov || (optimizer == "sgd" && momentum > 0), nameof(nesterov), "true", "false, or sgd with a momentum above 0"),
            Unless(schedule is "constant" or "cosine" or "step", nameof(schedule), $"'{schedule}'", "constant, cosine or step"),
            Unless(warmup_steps >= 0, nameof(warmup_steps), warmup_steps, "0 or more"),
            Unless(final_learning_rate is >= 0 and <= 1, nameof(final_learning_rate), final_learning_rate, "a share from 0 to 1"),
            Unless(decay_epochs >= 1, nameof(decay_epochs), decay_epochs, "1 or more"),
            Unless(decay_factor is > 0 and <= 1, nameof(decay_factor), decay_factor, "above 0 and at most 1"),
            Unless(clip >= 0 && double.IsFinite(clip), nameof(clip), clip, "0 (never) or more"),
            Unless(accumulate >= 1, nameof(accumulate), accumulate, "1 or more"),
            Unless(ema is >= 0 and < 1, nameof(ema), ema, "0 (none) or a decay below 1, 0.999 say"),
            Unless(precision is "float32" or "bfloat16" or "auto", nameof(precision), $"'{precision}'", "float32, bfloat16 or auto"),
        ];
        return all.OfType<string>();
    }

    /// <summary>Null where all is well, else what <paramref name="name"/> was and what is allowed.</summary>
    protected static string? Unless(bool good, string name, object given, string allowed) =>
        good ? null : FormattableString.Invariant($"{name} is {given}; give {allowed}.");
}
