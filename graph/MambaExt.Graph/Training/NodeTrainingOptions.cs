namespace MambaExt.Graph.Training;

/// <summary>How a node classifier is trained.</summary>
public sealed record NodeTrainingOptions
{
    /// <summary>Most epochs; each is one step over the whole graph.</summary>
    public int epochs { get; init; } = 200;

    /// <summary>Stop after this many epochs without a better validation score; 0 for never.</summary>
    public int patience { get; init; } = 100;

    /// <summary>Validate every so many epochs.</summary>
    public int validate_every { get; init; } = 1;

    /// <summary>Learning rate of AdamW.</summary>
    public double learning_rate { get; init; } = 0.01;

    /// <summary>Weight decay; A_log, D and the bias of delta go without.</summary>
    public double weight_decay { get; init; } = 5e-4;

    /// <summary>Gradients are scaled down to this norm; 0 for never.</summary>
    public double clip { get; init; } = 1;

    /// <summary>Divide feature rows by their sums.</summary>
    public bool normalise_features { get; init; } = true;

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        if (epochs < 1 || patience < 0 || validate_every < 1 || !(learning_rate > 0 && double.IsFinite(learning_rate)) || !(weight_decay >= 0 && double.IsFinite(weight_decay)) || !(clip >= 0 && double.IsFinite(clip)))
        {
            throw new ArgumentException(
                $"Training options: epochs {epochs} (1 or more), patience {patience} (0 or more), validate_every {validate_every} (1 or more), learning_rate {learning_rate} (above 0), weight_decay {weight_decay} (0 or more), clip {clip} (0 or more); correct what is out of its range.");
        }
    }
}
