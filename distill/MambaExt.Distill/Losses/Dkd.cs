using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Decoupled knowledge distillation (Zhao et al., arXiv 2203.08679, equation 7): with y the label, <c>p_b = (p_y, 1 - p_y)</c> and q the distribution over
/// the other classes,
/// <code>
/// TCKD = tau^2 KL(p_b teacher || p_b student),   NCKD = tau^2 KL(q teacher || q student),   alpha TCKD + beta NCKD
/// </code>
/// Plain distillation is TCKD + (1 - p_y teacher) NCKD. The logarithm of 1 - p_y is a log-sum-exp over the other logits, and stays finite where p_y
/// rounds to one.
/// </summary>
/// <param name="alpha">Weight of TCKD</param>
/// <param name="beta">Weight of NCKD</param>
/// <param name="temperature">tau</param>
/// <param name="warmupEpochs">Epochs over which the loss rises linearly to its weight; 0 for none</param>
public sealed class Dkd(double alpha = 1, double beta = 8, double temperature = 4, int warmupEpochs = 0) : DistillationLoss("dkd")
{
    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor teacher = SameClasses(inputs.Logits, inputs.RequireTeacher(Name));
        var (target, others) = Parts(inputs.Logits, teacher, inputs.RequireLabels(Name), temperature);
        double ramp = warmupEpochs > 0 ? Math.Min(1, (double)inputs.Epoch / warmupEpochs) : 1, square = temperature * temperature * ramp;
        return ((target.mean() * (alpha * square)) + (others.mean() * (beta * square))).MoveToOuterDisposeScope();
    }

    /// <summary>KL of the target and of the other classes for each sample, [B] each, without the factor tau^2.</summary>
    /// <param name="student">[B, K]</param>
    /// <param name="teacher">[B, K]</param>
    /// <param name="labels">int64 [B]; of shares [B, K] the largest is the target</param>
    /// <param name="temperature">tau</param>
    internal static (Tensor Target, Tensor Others) Parts(Tensor student, Tensor teacher, Tensor labels, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor column = (labels.dim() == 1 ? labels : labels.argmax(1)).unsqueeze(1);
        Tensor mask = zeros_like(student, dtype: ScalarType.Bool).scatter(1, column, ones_like(column, dtype: ScalarType.Bool));
        var (targetOwn, restOwn, othersOwn) = Split(student);
        var (targetGiven, restGiven, othersGiven) = Split(teacher);
        Tensor target = (targetGiven.exp() * (targetGiven - targetOwn)) + (restGiven.exp() * (restGiven - restOwn));

        Tensor others = (othersGiven.exp() * (othersGiven - othersOwn)).sum(1);
        return (target.squeeze(1).MoveToOuterDisposeScope(), others.MoveToOuterDisposeScope());

        (Tensor Target, Tensor Complement, Tensor Others) Split(Tensor z)
        {
            Tensor scaled = z / temperature, all = scaled.logsumexp(1, keepdim: true), rest = scaled.masked_fill(mask, double.NegativeInfinity).logsumexp(1, keepdim: true);

            // The target's place holds 0 on both sides and so counts nothing; what stood there may be so large that its exponential is infinite.
            return (scaled.gather(1, column) - all, rest - all, (scaled - rest).masked_fill(mask, 0));
        }
    }
}
