using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Recipes;

/// <summary>How classes are told apart by the means of their features.</summary>
public sealed record PrototypeOptions
{
    /// <summary>Temperature of the weights by which base prototypes enter a novel one (TEEN, Wang et al., NeurIPS 2023).</summary>
    public double teen_tau { get; init; } = 16;

    /// <summary>Part of a novel prototype that comes from base prototypes; 0 for none.</summary>
    public double teen_alpha { get; init; } = 0.1;

    /// <summary>Power that features and class means are raised to before anything else (Tukey's ladder; features after ReLU are not negative); 1 for none.</summary>
    public double power { get; init; } = 1;

    /// <summary>The mean of the base class means is taken away before cosines (SimpleShot, Wang et al., arXiv 1911.04623); mambaext always does, Euclid's distance does not see it.</summary>
    public bool centering { get; init; }

    /// <summary>Stages among those of the backbone's levels that mambaext looks at; none: all of them.</summary>
    public int[] levels { get; init; } = [];

    /// <summary>Part of the identity in the covariance that features are whitened by; 1 for no whitening.</summary>
    public double shrinkage { get; init; } = 1;

    /// <summary>Added to the score of each novel class: its cosine, or its distance's negative.</summary>
    public double novel_bias { get; init; }

    /// <summary>Weight of the projector's cosines beside those of mambaext's prototypes; at 0 there is no projector.</summary>
    public double projector_weight { get; init; }

    /// <summary>Features that are not negative, raised to <see cref="power"/>.</summary>
    internal Tensor Powered(Tensor features) => power == 1 ? features : features.clamp_min(0).pow(power);

    /// <summary>Scores [n, classes] with <see cref="novel_bias"/> on those behind the base classes.</summary>
    internal Tensor Biased(Tensor scores, int baseClasses) =>
        novel_bias == 0 ? scores : scores + ((arange(scores.shape[1], device: scores.device) >= baseClasses).to_type(scores.dtype) * novel_bias);

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        if (!(teen_tau > 0 && double.IsFinite(teen_tau)) || teen_alpha is not (>= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"teen_tau and teen_alpha are {teen_tau} and {teen_alpha}; give a number above 0, and 0 to 1.");
        }

        if (power is not (> 0 and <= 4) || shrinkage is not (> 0 and <= 1))
        {
            yield return FormattableString.Invariant($"power and shrinkage are {power} and {shrinkage}; give a power above 0 up to 4, and a shrinkage above 0 up to 1.");
        }

        if (!double.IsFinite(novel_bias) || projector_weight is not (>= 0 and <= 1))
        {
            yield return FormattableString.Invariant($"novel_bias and projector_weight are {novel_bias} and {projector_weight}; give a number, and 0 to 1.");
        }
    }
}
