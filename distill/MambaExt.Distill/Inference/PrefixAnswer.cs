using static TorchSharp.torch;

namespace MambaExt.Distill.Inference;

/// <summary>What a prefix of the students says.</summary>
/// <param name="Students">Members evaluated, 1 or more</param>
/// <param name="Logits">[B, K]; the caller disposes them</param>
/// <param name="Flops">Operations an image so far, by <see cref="Accounting.FlopCount"/></param>
public sealed record PrefixAnswer(int Students, Tensor Logits, long Flops) : IDisposable
{
    /// <summary>Disposes the logits.</summary>
    public void Dispose() => Logits.Dispose();
}
