namespace MambaExt.Training;

/// <summary>Where a training runs: who hears of its progress and keeps its checkpoints. <see cref="Runs.Experiment{TKey, TResult}"/> is one over a run folder.</summary>
public interface ITrainingHost
{
    /// <summary>The state to go on from, or null to start anew. The trainer disposes it.</summary>
    StateBag? TakeResumed();

    /// <summary>An epoch was validated.</summary>
    void Report(EpochReport epoch);

    /// <summary>Whether a checkpoint is wanted now; asked after each optimizer step and each validation.</summary>
    bool CheckpointDue { get; }

    /// <summary>Offers a file that belongs to this training, a trained model say, for the run's folder. Whether it is kept is decided
    /// when the training is done.</summary>
    /// <param name="path">Below the run's folder, with forward slashes</param>
    /// <param name="content">The whole file</param>
    void Attach(string path, byte[] content);

    /// <summary>Keeps <paramref name="state"/>, whose tensors are live: they are written before this returns.</summary>
    void Checkpoint(StateBag state);
}

/// <summary>No checkpoints; progress goes to a delegate.</summary>
public sealed class TransientHost(Action<EpochReport>? report = null) : ITrainingHost
{
    /// <inheritdoc/>
    public bool CheckpointDue => false;

    /// <inheritdoc/>
    public StateBag? TakeResumed() => null;

    /// <inheritdoc/>
    public void Report(EpochReport epoch) => report?.Invoke(epoch);

    /// <inheritdoc/>
    public void Attach(string path, byte[] content)
    {
    }

    /// <inheritdoc/>
    public void Checkpoint(StateBag state)
    {
    }
}
