using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>What a <see cref="MambaBlock"/> remembers between calls: convolution inputs [B, d_conv, D] and the state [B, D, N].</summary>
public sealed class MambaCache : RecurrentCache
{
    /// <summary>An empty memory: nothing has been seen.</summary>
    public MambaCache(MambaOptions options, long batch, ScalarType type = ScalarType.Float32)
        : base([batch, Valid(options).d_conv, options.d_inner], [batch, options.d_inner, options.d_state], type)
    {
    }

    private static MambaOptions Valid(MambaOptions options)
    {
        options.Validate();
        return options;
    }
}
