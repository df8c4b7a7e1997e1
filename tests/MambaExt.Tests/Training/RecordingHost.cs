using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

/// <summary>Keeps a copy of every state that a training offers, and what it reports.</summary>
internal sealed class RecordingHost : ITrainingHost
{
    public List<Dictionary<string, float[]>> States { get; } = [];

    public List<EpochReport> Epochs { get; } = [];

    public bool CheckpointDue => true;

    public StateBag? TakeResumed() => null;

    public void Report(EpochReport epoch) => Epochs.Add(epoch);

    public void Attach(string path, byte[] content)
    {
    }

    public void Checkpoint(StateBag state) =>
        States.Add(state.Tensors.Where(t => t.Value.is_floating_point()).ToDictionary(t => t.Key, t => t.Value.detach().to(ScalarType.Float32).flatten().data<float>().ToArray()));
}
