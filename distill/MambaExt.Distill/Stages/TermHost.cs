using MambaExt.Training;

namespace MambaExt.Distill.Stages;

/// <summary>Takes the means of the loss's parts before an epoch is reported.</summary>
internal sealed class TermHost(ITrainingHost inner, Action take) : ITrainingHost
{
    public bool CheckpointDue => inner.CheckpointDue;

    public StateBag? TakeResumed() => inner.TakeResumed();

    public void Report(EpochReport epoch)
    {
        take();
        inner.Report(epoch);
    }

    public void Attach(string path, byte[] content) => inner.Attach(path, content);

    public void Checkpoint(StateBag state) => inner.Checkpoint(state);
}
