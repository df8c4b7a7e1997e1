using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>
/// Labelled training images whose augmentation is a numbered draw: (sample, draw) fixes every random decision, so that what a teacher or a prefix of
/// students says of them can be kept and stays exact.
/// </summary>
public abstract class DrawnImages
{
    /// <summary>Made by a subclass.</summary>
    /// <param name="labels">Class of each sample, 0 ... K - 1</param>
    /// <param name="classes">K</param>
    /// <param name="draws">R, numbered draws of each sample; 1 without augmentation, 0 for augmentation that has no numbers</param>
    /// <param name="fingerprint">Names samples, augmentation and normalization: two of one fingerprint give the same numbers</param>
    protected DrawnImages(int[] labels, int classes, int draws, string fingerprint)
    {
        if (labels.Length < 1 || classes < 2 || draws < 0)
        {
            throw new ArgumentException($"There are {labels.Length} images, {classes} classes and {draws} draws; give at least 1 image, 2 classes and 0 (not numbered) or more draws.");
        }

        if (labels.FirstOrDefault(label => label < 0 || label >= classes, -1) is var odd and >= 0 || labels.Min() < 0)
        {
            throw new ArgumentException($"A label is {labels.First(label => label < 0 || label >= classes)} and there are {classes} classes; give labels from 0 to {classes - 1}.");
        }

        (Labels, Classes, Draws, Fingerprint) = (labels, classes, draws, fingerprint);
    }

    /// <summary>Samples, N.</summary>
    public int Count => Labels.Length;

    /// <summary>Class of each sample.</summary>
    public int[] Labels { get; }

    /// <summary>K.</summary>
    public int Classes { get; }

    /// <summary>R; 0 where draws have no numbers.</summary>
    public int Draws { get; }

    /// <summary>Names samples, augmentation and normalization.</summary>
    public string Fingerprint { get; }

    /// <summary>Images of one draw, float32 [B, C, H, W]. Called from several threads.</summary>
    /// <param name="samples">Numbers from 0 to N - 1</param>
    /// <param name="draw">From 0 to R - 1; any number where draws have none</param>
    public abstract Tensor Read(ReadOnlyMemory<int> samples, int draw);

    /// <summary>The same with their labels: int64 [B], or the shares of the classes [B, K] where images are mixed.</summary>
    /// <inheritdoc cref="Read"/>
    public virtual (Tensor Images, Tensor Labels) ReadLabelled(ReadOnlyMemory<int> samples, int draw) => (Read(samples, draw), LabelsOf(samples));

    /// <summary>Labels of some samples, int64 [B].</summary>
    public Tensor LabelsOf(ReadOnlyMemory<int> samples)
    {
        var labels = new long[samples.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = Labels[samples.Span[i]];
        }

        return tensor(labels);
    }

    /// <summary>Which draw an epoch trains on: each in turn.</summary>
    /// <param name="epoch">From 1</param>
    public int DrawOf(int epoch) => Draws > 0 ? (epoch - 1) % Draws : epoch;
}
