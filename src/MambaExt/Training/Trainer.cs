using MambaExt.Distributed;

namespace MambaExt.Training;

/// <summary>
/// The training loop of every module: batches, loss, backward, clipping, schedule, step, validation, choice of the epoch, early stop.
/// It can be cut after any optimizer step and goes on from its <see cref="StateBag"/> with the same bits. Random numbers: torch's generator
/// (dropout, say) belongs to the training from here on and is part of the state.
/// </summary>
public static class Trainer
{
    /// <summary>Trains; at the end the model has the weights of the best epoch (or the last, without validation) and is in evaluation mode.</summary>
    /// <param name="task">Model, data, loss and validation</param>
    /// <param name="options">Epochs, optimizer, schedule</param>
    /// <param name="host">Progress and checkpoints; default none</param>
    /// <param name="ranks">Processes that train the same model, each with its part of every batch; default this one alone</param>
    /// <param name="token">Asked after each step</param>
    /// <exception cref="ArgumentException">Options are out of range, or the model couples the samples of a batch and several ranks share it.</exception>
    /// <exception cref="InvalidOperationException">A loss or gradient is not finite; the message names step, batch and parameter.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the step was finished and the host was given a checkpoint.</exception>
    public static TrainingOutcome Run<TBatch>(
        TrainingTask<TBatch> task, TrainingOptions options, ITrainingHost? host = null, ICommunicator? ranks = null, CancellationToken token = default)
    {
        options.Validate();
        using var training = new TrainerState<TBatch>(task, options, host ?? new TransientHost(), ranks);
        return training.Run(token);
    }
}
