using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Knowledge distillation (Hinton, Vinyals and Dean, arXiv 1503.02531, section 2): <c>tau^2 KL(softmax(g / tau) || softmax(z / tau))</c>, summed over
/// classes, mean over the batch. The factor keeps the size of the gradients at any temperature.
/// </summary>
/// <param name="temperature">tau</param>
public sealed class HintonKd(double temperature = 4) : DistillationLoss("kd")
{
    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor teacher = SameClasses(inputs.Logits, inputs.RequireTeacher(Name));
        return (KullbackLeibler.Divergence(teacher, inputs.Logits, temperature) * (temperature * temperature)).MoveToOuterDisposeScope();
    }
}
