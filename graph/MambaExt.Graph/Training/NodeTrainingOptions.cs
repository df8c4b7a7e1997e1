using MambaExt.Training;

namespace MambaExt.Graph.Training;

/// <summary>How a classifier of vertices or graphs is trained. Over vertices an epoch is one step over the whole graph; over graphs a step is a batch of
/// them.</summary>
public sealed record NodeTrainingOptions : TrainingOptions
{
    /// <summary>Divide feature rows by their sums.</summary>
    public bool normalise_features { get; init; } = true;

    /// <summary>none, or balanced: each class counts as much as any other, whatever its share of the training vertices.</summary>
    public string class_weights { get; init; } = "none";

    /// <summary>Parts that one graph is cut into where vertices are classified, each the batch of a step, so that memory need hold the activations of one part
    /// alone; 1 for the whole graph. With <see cref="TrainingOptions.accumulate"/> a step takes the gradients of several.</summary>
    public int parts { get; init; } = 1;

    /// <summary>Consistency regularization (GRAND, Feng et al., arXiv 2005.11079, section 3.2): what the mean squared distance between the class
    /// probabilities of <see cref="consistency_draws"/> passes, each with its own dropout, and their sharpened mean counts in the loss, over all vertices of the
    /// graph; no label is needed for it. 0 for none.</summary>
    public double consistency { get; init; }

    /// <summary>Passes of a step with <see cref="consistency"/>.</summary>
    public int consistency_draws { get; init; } = 2;

    /// <summary>Temperature of the sharpening: probabilities to the power of 1 / temperature, normalized.</summary>
    public double consistency_temperature { get; init; } = 0.5;

    /// <summary>Graphs a step, packed end to end; 0 where vertices are classified.</summary>
    public int batch_size { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        IEnumerable<string?> own =
        [
            Unless(class_weights is "none" or "balanced", nameof(class_weights), $"'{class_weights}'", "none or balanced"),
            Unless(batch_size >= 0, nameof(batch_size), batch_size, "0 (the whole graph) or more"),
            Unless(parts >= 1, nameof(parts), parts, "1 (the whole graph) or more"),
            Unless(accumulate == 1 || parts > 1, nameof(accumulate), accumulate, "1 where a step is one batch, whose size is free, or cut the graph into parts"),
            Unless(consistency >= 0 && double.IsFinite(consistency), nameof(consistency), consistency, "0 (none) or more"),
            Unless(consistency == 0 || batch_size == 0, nameof(consistency), consistency, "0 where whole graphs are classified"),
            Unless(consistency_draws is >= 2 and <= 100, nameof(consistency_draws), consistency_draws, "2 to 100"),
            Unless(consistency_temperature is > 0 and <= 1, nameof(consistency_temperature), consistency_temperature, "above 0 and at most 1"),
            Unless(precision == "float32", nameof(precision), precision, "float32: sparse sums have no bfloat16 form"),
        ];
        return base.Problems().Concat(own.OfType<string>());
    }
}
