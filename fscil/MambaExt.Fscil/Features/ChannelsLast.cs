using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>Images whose channels lie side by side in memory: convolutions on a CPU are faster on them, and keep the layout.</summary>
internal static class ChannelsLast
{
    /// <summary>The same numbers and shape, [B, C, H, W], on the device and in the type of <paramref name="network"/>.</summary>
    public static Tensor Of(Tensor images, BaseNetwork network)
    {
        Tensor weight = network.Backbone.parameters().First();
        Tensor here = images.to(weight.dtype, weight.device);
        return here.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
    }
}
