using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>What a <see cref="MambaBlock"/> remembers between calls: convolution inputs [B, d_conv, D] and the state [B, D, N].</summary>
public sealed class MambaCache : RecurrentCache
{
    /// <summary>An empty memory: nothing has been seen.</summary>
    /// <param name="options">Of the block</param>
    /// <param name="batch">Sequences side by side, 0 or more</param>
    /// <param name="type">Of the block's parameters</param>
    /// <param name="device">Where the block lies; the CPU unless given</param>
    public MambaCache(MambaOptions options, long batch, ScalarType type = ScalarType.Float32, Device? device = null)
        : base([batch, Valid(options).d_conv, options.d_inner], [batch, options.d_inner, options.d_state], type, device)
    {
    }

    private static MambaOptions Valid(MambaOptions options)
    {
        options.Validate();
        return options;
    }
}
