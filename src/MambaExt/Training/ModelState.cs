using static TorchSharp.torch;

namespace MambaExt.Training;

/// <summary>The parameters and buffers of a model by their published names.</summary>
internal static class ModelState
{
    /// <summary>All of them, live, each name once.</summary>
    public static IReadOnlyList<(string Name, Tensor Tensor)> Of(nn.Module model) =>
        [.. model.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(model.named_buffers().Select(b => (b.name, b.buffer))).DistinctBy(p => p.Item1)];

    public static void Save(nn.Module model, StateBag bag)
    {
        foreach (var (name, tensor) in Of(model))
        {
            bag.Tensors["model." + name] = tensor;
        }
    }

    public static void Load(nn.Module model, StateBag bag)
    {
        foreach (var (name, tensor) in Of(model))
        {
            bag.CopyTo("model." + name, tensor);
        }
    }
}
