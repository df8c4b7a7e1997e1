using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>What data-parallel training does once, before its first step.</summary>
public static class DataParallel
{
    /// <summary>Overwrites the parameters and buffers of <paramref name="module"/> on all ranks with those of rank 0.</summary>
    /// <exception cref="ArgumentException">They differ between ranks by name, type or shape.</exception>
    public static void BroadcastParameters(nn.Module module, ICommunicator communicator)
    {
        (string Name, Tensor Tensor)[] all =
        [
            .. module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)),
            .. module.named_buffers().Select(b => (b.name, b.buffer)),
        ];
        ParameterManifest.RequireSame(communicator, all, "parameters and buffers");
        foreach ((_, Tensor tensor) in all)
        {
            communicator.Broadcast(tensor);
        }
    }

    /// <summary>
    /// Refuses modules that couple the samples of a batch by themselves, as each rank would couple only its own: torch's batch norms in
    /// training mode. <see cref="SyncBatchNorm"/> takes their place; TorchSharp's containers and typed fields do not let one be put in
    /// afterwards, so the model is built with it. Does nothing for one rank.
    /// </summary>
    /// <exception cref="ArgumentException">There are some; the names of all are given.</exception>
    public static void RequireIndependentSamples(nn.Module module, ICommunicator communicator)
    {
        string[] coupled =
        [
            .. Modules(module).Where(m => m.Module is BatchNorm { training: true } and not SyncBatchNorm)
                .Select(m => $"{(m.Name.Length == 0 ? "the module itself" : $"'{m.Name}'")} ({m.Module.GetName()})"),
        ];
        if (communicator.Size > 1 && coupled.Length > 0)
        {
            throw new ArgumentException(
                $"The model takes statistics over a batch in {string.Join(", ", coupled)}, and over {communicator.Size} ranks each would see its part alone; build the model with {nameof(SyncBatchNorm)}, or train with one process.");
        }
    }

    /// <summary>This rank's part of the training samples, in their order; the parts of all ranks are the whole and differ by one at most.</summary>
    /// <exception cref="ArgumentException">There are fewer samples than ranks.</exception>
    public static T[] Share<T>(T[] samples, ICommunicator? ranks)
    {
        if (ranks is null or { Size: 1 })
        {
            return samples;
        }

        return samples.Length >= ranks.Size
            ? samples[(int)((long)samples.Length * ranks.Rank / ranks.Size)..(int)((long)samples.Length * (ranks.Rank + 1) / ranks.Size)]
            : throw new ArgumentException($"There are {samples.Length} training samples for {ranks.Size} ranks; start at most {samples.Length}.");
    }

    /// <summary>The module and all below it, each once.</summary>
    internal static IEnumerable<(string Name, nn.Module Module)> Modules(nn.Module module) =>
        new[] { ("", module) }.Concat(module.named_modules()).DistinctBy(m => m.Item2, ReferenceEqualityComparer.Instance);
}
