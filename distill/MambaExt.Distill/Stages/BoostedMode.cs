using MambaExt.Distill.Losses;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// B-DISTIL (Dennis et al., "Progressive ensemble distillation", arXiv 2302.10093). The first student fits the teacher by mean squared error: with equal
/// weights the weak-learning condition cannot be met. From round 2 on the weights W of <see cref="BoostWeights"/> say where the mean of the students lies
/// below the teacher and where above, and the student maximizes
/// <code>
/// sum_j log(1 + m_j / (2 Bd)),   m_j = sum_i W_ij (s(x_i) - g(x_i))_j
/// </code>
/// the log-barrier of the condition m_j &gt; 0, over logits clipped to +- Bd / 2, so that no difference passes Bd. <c>F_t</c> is the mean of the students.
/// </summary>
/// <param name="clip">Bd / 2, the magnitude that logits are clipped to</param>
public sealed class BoostedMode(double clip) : StageMode
{
    // Where the barrier ends and its tangent goes on: a batch is a part of the sum and may stray below.
    private const double Floor = 0.05;

    /// <inheritdoc/>
    public override string Name => "boosted";

    /// <inheritdoc/>
    public override bool TakesLosses => false;

    /// <inheritdoc/>
    public override bool NeedsNumberedDraws => true;

    /// <summary>The magnitude that logits are clipped to.</summary>
    public double Clip => clip;

    /// <inheritdoc/>
    public override Tensor Combine(Tensor? before, Tensor own, int t, Tensor scales) => before is null ? own.clamp(-clip, clip) : (before * ((t - 1.0) / t)) + (own.clamp(-clip, clip) / t);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts(int t, IReadOnlyList<string> losses) => t == 1 ? ["boosted.mse"] : ["boosted.barrier", "boosted.clip"];

    /// <inheritdoc/>
    public override IEnumerable<(string Name, double Weight, Tensor Value)> Loss(StageInputs batch)
    {
        Tensor target = batch.Compared.RequireTeacher(Name).clamp(-clip, clip);
        if (batch.BoostWeights is not { } weights)
        {
            yield return ("boosted.mse", 1, (batch.Own - target).square().mean());
            yield break;
        }

        Tensor own = batch.Own.clamp(-clip, clip);
        double share = (double)batch.Samples / own.shape[0];
        Tensor margin = (weights * (own - target)).sum(0L) * share;                              // [K], an unbiased estimate of m
        yield return ("boosted.barrier", 1, -Barrier(1 + (margin / (4 * clip))).sum());

        // Beyond the clip the barrier has no gradient: what lies there is called back.
        yield return ("boosted.clip", 1, (batch.Own - own).square().mean());
    }

    /// <summary>log, with its tangent below the floor.</summary>
    private static Tensor Barrier(Tensor x) => where(x > Floor, x.clamp_min(Floor).log(), (x / Floor) + (Math.Log(Floor) - 1));
}
