using MambaExt.Training;

namespace MambaExt.Graph.Training;

/// <summary>How a node classifier is trained: an epoch is one step over the whole graph.</summary>
public sealed record NodeTrainingOptions : TrainingOptions
{
    /// <summary>Divide feature rows by their sums.</summary>
    public bool normalise_features { get; init; } = true;

    /// <inheritdoc/>
    public override IEnumerable<string> Problems()
    {
        IEnumerable<string?> own =
        [
            Unless(accumulate == 1, nameof(accumulate), accumulate, "1: the whole graph is one batch"),
            Unless(precision == "float32", nameof(precision), precision, "float32: sparse sums have no bfloat16 form"),
        ];
        return base.Problems().Concat(own.OfType<string>());
    }
}
