using MambaExt.Distill.Losses;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// L2 boosting on the teacher's logits (Bühlmann and Yu, 2003): the student fits <c>g - F_(t-1)</c> by mean squared error, and <c>F_t = F_(t-1) + s_t</c>.
/// A later student is no classifier by itself.
/// </summary>
public sealed class ResidualMode : StageMode
{
    /// <inheritdoc/>
    public override string Name => "residual";

    /// <inheritdoc/>
    public override bool TakesLosses => false;

    /// <inheritdoc/>
    public override Tensor Combine(Tensor? before, Tensor own, int t, Tensor scales) => before is null ? own.alias() : before + own;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts(int t, IReadOnlyList<string> losses) => ["residual.mse"];

    /// <inheritdoc/>
    public override IEnumerable<(string Name, double Weight, Tensor Value)> Loss(StageInputs batch)
    {
        Tensor target = batch.Compared.RequireTeacher(Name);
        yield return ("residual.mse", 1, (batch.Own - (batch.Before is null ? target : target - batch.Before)).square().mean());
    }
}
