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
            Unless(precision == "float32", nameof(precision), precision, "float32: sparse sums have no bfloat16 form"),
        ];
        return base.Problems().Concat(own.OfType<string>());
    }
}
