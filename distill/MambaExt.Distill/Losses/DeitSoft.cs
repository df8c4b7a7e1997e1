using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Soft distillation of DeiT (Touvron et al., arXiv 2012.12877, equation 2) as its code and GroupMamba's (arXiv 2407.13772) compute it: the divergence
/// <c>tau^2 KL(softmax(g / tau) || softmax(z / tau)) / (B K)</c>, divided by the number of classes too, on the distillation head; of a prefix, which has one answer, on that.
/// </summary>
/// <param name="temperature">tau</param>
public sealed class DeitSoft(double temperature = 1) : DistillationLoss("deit-soft")
{
    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor own = inputs.Distillation ?? inputs.Logits, teacher = SameClasses(own, inputs.RequireTeacher(Name));
        return (KullbackLeibler.Divergence(teacher, own, temperature) * (temperature * temperature / own.shape[1])).MoveToOuterDisposeScope();
    }
}
