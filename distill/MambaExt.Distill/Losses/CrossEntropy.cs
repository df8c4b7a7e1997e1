using static TorchSharp.torch;

namespace MambaExt.Distill.Losses;

/// <summary>
/// The hard loss: <c>- mean_i sum_k y_ik log softmax(z_i)_k</c>, y one-hot, smoothed, or the shares of mixed images.
/// </summary>
/// <param name="smoothing">Share of each label that is spread evenly over all classes (Szegedy et al., arXiv 1512.00567)</param>
public sealed class CrossEntropy(double smoothing = 0) : DistillationLoss("ce")
{
    /// <inheritdoc/>
    public override Tensor Of(LossInputs inputs) => nn.functional.cross_entropy(inputs.Logits, inputs.RequireLabels(Name), label_smoothing: smoothing);
}
