using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>Images whose channels lie side by side in memory: convolutions on a CPU are faster on them, and keep the layout.</summary>
internal static class ChannelsLast
{
    /// <summary>The same numbers and shape, [B, C, H, W], on <paramref name="device"/>.</summary>
    public static Tensor Of(Tensor images, Device? device)
    {
        Tensor here = device is null ? images : images.to(device);
        return here.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
    }
}
