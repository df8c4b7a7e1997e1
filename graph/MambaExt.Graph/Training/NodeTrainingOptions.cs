using MambaExt.Training;

namespace MambaExt.Graph.Training;

/// <summary>How a node classifier is trained: an epoch is one step over the whole graph.</summary>
public sealed record NodeTrainingOptions : TrainingOptions
{
    /// <summary>Divide feature rows by their sums.</summary>
    public bool normalise_features { get; init; } = true;

    /// <summary>none, or balanced: each class counts as much as any other, whatever its share of the training vertices.</summary>
    public string class_weights { get; init; } = "none";

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        IEnumerable<string?> own =
        [
            Unless(class_weights is "none" or "balanced", nameof(class_weights), $"'{class_weights}'", "none or balanced"),
            Unless(accumulate == 1, nameof(accumulate), accumulate, "1: the whole graph is one batch"),
            Unless(precision == "float32", nameof(precision), precision, "float32: sparse sums have no bfloat16 form"),
        ];
        return base.Problems().Concat(own.OfType<string>());
    }
}
