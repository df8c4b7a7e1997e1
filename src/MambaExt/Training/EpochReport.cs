namespace MambaExt.Training;

/// <summary>An epoch that was validated, for progress and for <c>metrics.jsonl</c>.</summary>
/// <param name="Epoch">From 1</param>
/// <param name="Epochs">At most as many</param>
/// <param name="Step">Optimizer steps so far</param>
/// <param name="TrainLoss">Mean over the batches of the epoch</param>
/// <param name="Validation">Score and loss; null where the task has none</param>
/// <param name="BestScore">Best score so far, negative infinity where there is none</param>
/// <param name="LearningRate">Of the last step</param>
public sealed record EpochReport(int Epoch, int Epochs, long Step, double TrainLoss, Validation? Validation, double BestScore, double LearningRate);

/// <summary>What came of a training.</summary>
/// <param name="Epochs">Trained, the last perhaps in part</param>
/// <param name="Steps">Optimizer steps</param>
/// <param name="BestEpoch">The epoch whose weights the model has now; the last where nothing validates</param>
/// <param name="Best">Its validation; null where there is none</param>
/// <param name="Seconds">Wall time of training and validation, sessions before a resume included</param>
public sealed record TrainingOutcome(int Epochs, long Steps, int BestEpoch, Validation? Best, double Seconds);
