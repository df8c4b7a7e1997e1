using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Losses;

/// <summary>
/// The dot-regression loss of NC-FSCIL (Yang et al., arXiv 2302.03004) on normalized features f and their classes' columns m of the simplex:
/// <code>
/// L = 10 / 2 mean_i r_i^2 (f_i . m_i - 1)^2
/// </code>
/// r_i = 1, or, class-balanced, r_i^2 = gamma / n_y with n_y samples of the class of i in the batch and gamma = batch / classes in it: columns scaled by
/// r with r as the target, which weights each class of the batch alike.
/// </summary>
public static class DotRegression
{
    /// <summary>The factor in front of the mean.</summary>
    public const double Scale = 10.0 / 2;

    /// <summary>The loss, a scalar.</summary>
    /// <param name="features">[B, d]; normalized here</param>
    /// <param name="columns">Column of each sample's class, [B, d]</param>
    /// <param name="labels">int64 [B]; wanted for <paramref name="balanced"/></param>
    /// <param name="balanced">Weight each class of the batch alike (the published <c>with_len</c>)</param>
    /// <param name="weights">What each sample counts for, [B]; null for 1 each</param>
    public static Tensor Loss(Tensor features, Tensor columns, Tensor labels, bool balanced, Tensor? weights = null)
    {
        if (features.dim() != 2 || !features.shape.SequenceEqual(columns.shape) || labels.dim() != 1 || labels.shape[0] != features.shape[0])
        {
            throw new ArgumentException(
                $"features, columns and labels have shapes [{string.Join(", ", features.shape)}], [{string.Join(", ", columns.shape)}] and [{string.Join(", ", labels.shape)}], expected [B, d], [B, d] and [B].");
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor error = ((nn.functional.normalize(features, dim: 1) * columns).sum(1L) - 1).square();
        error = weights is null ? error : error * weights;
        return (Scale * (balanced ? error * Weights(labels).to_type(error.dtype) : error).mean()).MoveToOuterDisposeScope();
    }

    /// <summary>gamma / n_y of each sample, float64 [B]; their mean is 1.</summary>
    public static Tensor Weights(Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor same = (labels.unsqueeze(0) == labels.unsqueeze(1)).sum(1L, type: ScalarType.Float64);

        // 1 / n summed over the samples of a class is 1, so that the sum over all counts the classes.
        Tensor classes = same.reciprocal().sum();
        return (labels.shape[0] / classes / same).MoveToOuterDisposeScope();
    }
}
