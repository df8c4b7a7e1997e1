using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Hard distillation of DeiT (Touvron et al., arXiv 2012.12877, equation 3), the default of GroupMamba (arXiv 2407.13772): cross-entropy of the
/// distillation head with the teacher's decision, <c>CE(z_dist, argmax g)</c>. Beside it stands <see cref="CrossEntropy"/> of the class head, each with weight
/// one half; what is predicted is the mean of both heads. Of a prefix, which has one answer, it is the cross-entropy of that.
/// </summary>
public sealed class DeitHard() : DistillationLoss("deit-hard")
{
    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor own = inputs.Distillation ?? inputs.Logits, teacher = SameClasses(own, inputs.RequireTeacher(Name));
        return nn.functional.cross_entropy(own, teacher.argmax(1)).MoveToOuterDisposeScope();
    }
}
