using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>
/// The training loop of every module: batches, loss, backward, clipping, schedule, step, validation, choice of the epoch, early stop.
/// It can be cut after any optimizer step and goes on from its <see cref="StateBag"/> with the same bits. Random numbers: torch's generator
/// (dropout, say) belongs to the training from here on and is part of the state.
/// </summary>
public static class Trainer
{
    /// <summary>Trains; at the end the model has the weights of the best epoch (or the last, without validation) and is in evaluation mode.</summary>
    /// <exception cref="InvalidOperationException">A loss or gradient is not finite; the message names step, batch and parameter.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the step was finished and the host was given a checkpoint.</exception>
    public static TrainingOutcome Run<TBatch>(
        TrainingTask<TBatch> task, TrainingOptions options, ITrainingHost? host = null, IGradientExchange? exchange = null, CancellationToken token = default)
    {
        options.Validate();
        using var training = new TrainerState<TBatch>(task, options, host ?? new TransientHost(), exchange);
        return training.Run(token);
    }
}
