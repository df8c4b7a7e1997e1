using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>What is trained: a model, its batches, its loss, and how it is validated.</summary>
public sealed class TrainingTask<TBatch>
{
    /// <summary>Its parameters that require a gradient are trained.</summary>
    public required nn.Module Model { get; init; }

    /// <summary>The training data.</summary>
    public required IBatches<TBatch> Batches { get; init; }

    /// <summary>The loss of a batch, a scalar, the mean over its samples. Runs in a dispose scope of its step, with the model in training mode.</summary>
    public required Func<TBatch, Tensor> Loss { get; init; }

    /// <summary>How much a batch counts where gradients of several are averaged (accumulation, ranks): its number of samples. Default 1 each.</summary>
    public Func<TBatch, double>? Weight { get; init; }

    /// <summary>Score (higher is better) and loss on the validation data, without gradients, the model in evaluation mode; null where there is none.
    /// Must not draw from torch's generator.</summary>
    public Func<Validation>? Validate { get; init; }

    /// <summary>Part of the learning rate that a parameter gets, by its name; default all of it.</summary>
    public Func<string, double>? RateOf { get; init; }

    /// <summary>Which parameters go without weight decay beside those of a Mamba block that always do, by their names; default none.</summary>
    public Func<string, bool>? Undecayed { get; init; }

    /// <summary>The share of the largest learning rate at a step (from 0), instead of the schedule of the options.</summary>
    public Func<long, double>? Schedule { get; init; }

    /// <summary>Names a batch in an error message; default its number.</summary>
    public Func<TBatch, string>? Describe { get; init; }
}

/// <summary>What validation says of an epoch.</summary>
/// <param name="Score">Higher is better; chooses the epoch</param>
/// <param name="Loss">Decides among equal scores</param>
public readonly record struct Validation(double Score, double Loss);
