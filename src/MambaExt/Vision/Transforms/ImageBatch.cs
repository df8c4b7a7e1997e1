using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Vision.Transforms;

/// <summary>Views of some images with their classes, on the CPU; disposes its tensors.</summary>
public sealed class ImageBatch : IDisposable
{
    internal ImageBatch(int[] indices, int[] draws, Tensor pixels, Tensor labels, Tensor? partnerLabels, Tensor? weights) =>
        (Indices, Draws, Pixels, Labels, PartnerLabels, Weights) = (indices, draws, pixels, labels, partnerLabels, weights);

    /// <summary>Views, B.</summary>
    public int Count => Indices.Length;

    /// <summary>The number of each view's image, [B].</summary>
    public int[] Indices { get; }

    /// <summary>The number of each view's draw, [B].</summary>
    public int[] Draws { get; }

    /// <summary>[B, C, H, W], float32.</summary>
    public Tensor Pixels { get; }

    /// <summary>The class of each view's own image, [B], int64.</summary>
    public Tensor Labels { get; }

    /// <summary>The class of the image that each view is mixed with, [B], int64; null where nothing is mixed.</summary>
    public Tensor? PartnerLabels { get; }

    /// <summary>What <see cref="Labels"/> count for, l, [B], float32, 0 to 1; <see cref="PartnerLabels"/> count 1 - l. Null where nothing is mixed.</summary>
    public Tensor? Weights { get; }

    /// <summary>The classes as probabilities, [B, K], float32: the own class l, the partner's 1 - l, and of all of it the part <paramref name="smoothing"/> spread evenly.</summary>
    /// <param name="classes">K.</param>
    /// <param name="smoothing">Label smoothing, 0 to 1.</param>
    public Tensor SoftTargets(int classes, double smoothing = 0)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor targets = nn.functional.one_hot(Labels, classes).to_type(ScalarType.Float32);
        if (Weights is not null)
        {
            Tensor weights = Weights.unsqueeze(1);
            targets = (targets * weights) + (nn.functional.one_hot(PartnerLabels!, classes).to_type(ScalarType.Float32) * (1 - weights));
        }

        return (smoothing > 0 ? (targets * (1 - smoothing)) + (smoothing / classes) : targets).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pixels.Dispose();
        Labels.Dispose();
        PartnerLabels?.Dispose();
        Weights?.Dispose();
    }
}
