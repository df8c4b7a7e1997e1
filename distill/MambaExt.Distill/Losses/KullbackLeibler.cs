using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>The divergence that most losses are made of.</summary>
internal static class KullbackLeibler
{
    /// <summary><c>sum_k p_k (log p_k - log q_k)</c>, p = softmax(teacher / tau), q = softmax(student / tau); summed over classes, mean over the
    /// batch, without the factor tau^2.</summary>
    public static Tensor Divergence(Tensor teacher, Tensor student, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor p = nn.functional.log_softmax(teacher / temperature, 1), q = nn.functional.log_softmax(student / temperature, 1);
        return (p.exp() * (p - q)).sum(1).mean().MoveToOuterDisposeScope();
    }
}
