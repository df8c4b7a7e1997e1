using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Each student learns for itself; a prefix answers with the mean of their probabilities. The baseline RESCHED of progressive ensemble distillation.</summary>
public sealed class IndependentMode : StageMode
{
    /// <inheritdoc/>
    public override string Name => "independent";

    /// <summary>Logits of the mean: <c>log(((t - 1) softmax(F) + softmax(s)) / t)</c>.</summary>
    /// <inheritdoc/>
    public override Tensor Combine(Tensor? before, Tensor own, int t, Tensor scales)
    {
        if (before is null)
        {
            return own.alias();
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor both = stack([nn.functional.log_softmax(before, 1) + Math.Log((t - 1.0) / t), nn.functional.log_softmax(own, 1) - Math.Log(t)], 0);
        return both.logsumexp(0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts(int t, IReadOnlyList<string> losses) => [.. losses.Select(name => "solo." + name)];

    /// <inheritdoc/>
    public override IEnumerable<(string Name, double Weight, Tensor Value)> Loss(StageInputs batch) => Solo(batch, 1);
}
