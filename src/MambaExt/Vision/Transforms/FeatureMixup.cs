using static TorchSharp.torch;

namespace MambaExt.Vision.Transforms;

/// <summary>
/// Mixes features within a batch, at a fixed proportion: f'_i = l f_i + (1 - l) f_p(i), p a permutation of the batch; the loss is l L(f', y) + (1 - l) L(f', y_p).
/// Whether a batch is mixed, and p, belong to (seed, step). (Manifold mixup, Verma et al. 2019, with a constant l.)
/// </summary>
/// <param name="Probability">Of a batch to be mixed, 0 to 1.</param>
/// <param name="Proportion">l, 0 to 1.</param>
public sealed record FeatureMixup(double Probability, double Proportion = 0.5)
{
    /// <summary>Of a batch to be mixed, 0 to 1.</summary>
    public double Probability { get; init => field = ImageTransform.Within(value, 0, 1, nameof(FeatureMixup), nameof(Probability)); } = ImageTransform.Within(Probability, 0, 1, nameof(FeatureMixup), nameof(Probability));

    /// <summary>l, 0 to 1.</summary>
    public double Proportion { get; init => field = ImageTransform.Within(value, 0, 1, nameof(FeatureMixup), nameof(Proportion)); } = ImageTransform.Within(Proportion, 0, 1, nameof(FeatureMixup), nameof(Proportion));

    /// <summary>The mixed batch, in the graph of gradients, or null where this batch stays as it is.</summary>
    /// <param name="features">[B, ...].</param>
    /// <param name="labels">[B], int64.</param>
    /// <param name="seed">Of the augmentation.</param>
    /// <param name="step">The number of the batch in the training.</param>
    public MixedFeatures? Mix(Tensor features, Tensor labels, ulong seed, int step)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        var random = new TransformRandom(seed, step, 0, 0, RandomStream.FeatureMixing);
        if (!random.Chance(Probability))
        {
            return null;
        }

        using var scope = NewDisposeScope();
        int[] order = RandomPermutation.Of((int)features.shape[0], seed, RandomStream.FeatureMixing, step + 1);
        Tensor others = tensor(Array.ConvertAll(order, p => (long)p), device: features.device);
        Tensor mixed = (features * Proportion) + (features.index_select(0, others) * (1 - Proportion));
        return new MixedFeatures(mixed.MoveToOuterDisposeScope(), labels.index_select(0, others).MoveToOuterDisposeScope(), Proportion);
    }
}

/// <summary>A batch of mixed features.</summary>
/// <param name="Features">[B, ...].</param>
/// <param name="PartnerLabels">The class of what each is mixed with, [B], int64.</param>
/// <param name="Weight">What the own class counts for; the partner's counts the rest.</param>
public sealed record MixedFeatures(Tensor Features, Tensor PartnerLabels, double Weight);
