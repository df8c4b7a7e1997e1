using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// Logit standardization (Sun et al., arXiv 2403.01427): both sides are brought to mean 0 and deviation 1 over the classes before
/// <see cref="HintonKd"/>, <c>z := (z - mean z) / (std z + eps)</c>, so that a student need not copy the teacher's scale. Its minimum does not fix the
/// scale of the logits: beside it belongs a loss on the labels.
/// </summary>
/// <param name="temperature">tau</param>
public sealed class StandardizedKd(double temperature = 2) : DistillationLoss("logit-std")
{
    private const double Eps = 1e-7;

    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor teacher = SameClasses(inputs.Logits, inputs.RequireTeacher(Name));
        return (KullbackLeibler.Divergence(Standard(teacher), Standard(inputs.Logits), temperature) * (temperature * temperature)).MoveToOuterDisposeScope();
    }

    // The sample deviation, as the published code has it.
    private static Tensor Standard(Tensor z) => (z - z.mean([1L], keepdim: true)) / (z.std([1L], unbiased: true, keepdim: true) + Eps);
}
