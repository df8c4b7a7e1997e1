using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// The student is trained for itself and for the prefix at once: <c>F_t = a_t F_(t-1) + b_t s_t</c> with learned a_t, b_t, and
/// <c>L = losses(F_t) + lambda losses(s_t)</c>. Training on the sum alone starves late students, whose gradient is what the frozen prefix has not fitted.
/// </summary>
public sealed class JointMode : StageMode
{
    /// <inheritdoc/>
    public override string Name => "joint";

    /// <inheritdoc/>
    public override Tensor Combine(Tensor? before, Tensor own, int t, Tensor scales)
    {
        Tensor second = own * scales[1];
        return before is null ? second : (before * scales[0]) + second;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Parts(int t, IReadOnlyList<string> losses) => [.. losses.Select(name => "prefix." + name), .. losses.Select(name => "solo." + name)];

    /// <inheritdoc/>
    public override IEnumerable<(string Name, double Weight, Tensor Value)> Loss(StageInputs batch) =>
        Prefix(batch, Combine(batch.Before, batch.Own, batch.Stage, batch.Scales)).Concat(Solo(batch, batch.SoloWeight));
}
