using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>What a block of either generation remembers between calls: its last inputs to the convolution and the state of its scan.</summary>
public abstract class RecurrentCache : IDisposable
{
    /// <summary>An empty memory: nothing has been seen.</summary>
    /// <param name="conv">[B, d_conv, channels of the convolution]</param>
    /// <param name="ssm">Batch first</param>
    /// <param name="type">float32, float64, bfloat16 or half</param>
    /// <param name="device">Where the block lies</param>
    private protected RecurrentCache(long[] conv, long[] ssm, ScalarType type, Device? device)
    {
        if (conv[0] < 0 || type is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"A cache was asked for batch {conv[0]} and type {type}; give a batch of 0 or more and float32, float64, bfloat16 or half.");
        }

        conv_state = zeros(conv, type, device).DetachFromDisposeScope();

        // Never 16 bits: a slow state loses what it adds up.
        ScalarType state = type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;
        ssm_state = zeros(ssm, state, device).DetachFromDisposeScope();
    }

    /// <summary>The last d_conv inputs of the convolution, oldest first, [B, d_conv, channels].</summary>
    public Tensor conv_state { get; private set; }

    /// <summary>The state of the scan, batch first.</summary>
    public Tensor ssm_state { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        using IDisposable _ = no_grad();
        conv_state.zero_();
        ssm_state.zero_();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        conv_state.Dispose();
        ssm_state.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes over the memory after some more positions; the old one is disposed.</summary>
    internal void Update(Tensor conv, Tensor ssm)
    {
        Tensor[] old = [conv_state, ssm_state];
        conv_state = conv.DetachFromDisposeScope();
        ssm_state = ssm.DetachFromDisposeScope();
        foreach (Tensor tensor in old)
        {
            tensor.Dispose();
        }
    }
}
