using MambaExt.Checkpoints;

namespace MambaExt.Vision;

/// <summary>Weights published for torchvision's residual networks, from a safetensors file.</summary>
public static class TorchvisionWeights
{
    /// <summary>Fills <paramref name="network"/> by name; the classifier of the file (<c>fc.*</c>) is left aside, and counters of batches may be missing.</summary>
    /// <param name="network">Of the same stages, <see cref="ResNetOptions.ResNet18"/> say</param>
    /// <param name="path">A safetensors file with torchvision's names</param>
    /// <exception cref="InvalidDataException">Names or shapes differ; the message lists them. Nothing has changed then.</exception>
    public static void LoadInto(ResNet network, string path) => SafetensorsTensors.LoadInto(
        network, path, ignored: name => name.StartsWith("fc.", StringComparison.Ordinal), optional: name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal));
}
