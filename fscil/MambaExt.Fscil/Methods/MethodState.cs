using static TorchSharp.torch;

namespace MambaExt.Fscil.Methods;

/// <summary>Everything that a module holds, by name.</summary>
internal static class MethodState
{
    /// <summary>Parameters and buffers, live.</summary>
    public static IEnumerable<(string Name, Tensor Value)> Of(nn.Module module) =>
        module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)).Concat(module.named_buffers().Select(b => (b.name, b.buffer))).DistinctBy(p => p.Item1);
}
