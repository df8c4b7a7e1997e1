using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>What a <see cref="Mamba2Block"/> remembers between calls: convolution inputs [B, d_conv, conv_dim] and the state [B, H, P, N].</summary>
public sealed class Mamba2Cache : RecurrentCache
{
    /// <summary>An empty memory: nothing has been seen.</summary>
    /// <param name="options">Of the block</param>
    /// <param name="batch">Sequences side by side, 0 or more</param>
    /// <param name="type">Of the block's parameters</param>
    /// <param name="device">Where the block lies; the CPU unless given</param>
    public Mamba2Cache(Mamba2Options options, long batch, ScalarType type = ScalarType.Float32, Device? device = null)
        : base([batch, Valid(options).d_conv, options.conv_dim], [batch, options.nheads, options.headdim, options.d_state], type, device)
    {
    }

    private static Mamba2Options Valid(Mamba2Options options)
    {
        options.Validate();
        return options;
    }
}
