using MambaExt.Data.Images;

namespace MambaExt.Vision.Transforms;

/// <summary>Transforms one after the other, then the normalization: what happens to an image before a model sees it, in training or in testing.</summary>
public sealed class ImagePipeline
{
    /// <summary>Puts steps together.</summary>
    /// <param name="steps">In order; none for images as they are.</param>
    /// <param name="normalization">Mean and deviation of each channel; null for values of 0 to 1.</param>
    public ImagePipeline(IReadOnlyList<ImageTransform> steps, ImageNormalization? normalization = null)
    {
        ArgumentNullException.ThrowIfNull(steps);
        (Steps, Normalization) = ([.. steps], normalization);
    }

    /// <summary>In order.</summary>
    public IReadOnlyList<ImageTransform> Steps { get; }

    /// <summary>Mean and deviation of each channel; null for values of 0 to 1.</summary>
    public ImageNormalization? Normalization { get; }

    /// <summary>Stable words for all of it: two pipelines that make the same of every image under the same seed have the same, others do not.</summary>
    public string Fingerprint => string.Join("; ", [.. Steps.Select(step => step.Fingerprint), Normalization?.ToString() ?? "normalize()"]);

    /// <summary>The size that comes out, or null where that depends on the image.</summary>
    /// <param name="input">The size that goes in, or null where that depends on the image.</param>
    /// <exception cref="ArgumentException">A step cannot work on such images.</exception>
    public ImageSize? Output(ImageSize? input) => Steps.Aggregate(input, (size, step) => step.Output(size));

    /// <inheritdoc/>
    public override string ToString() => Fingerprint;

    /// <summary>Makes one view, without the normalization.</summary>
    internal void Apply(ImageCanvas canvas, ImageView image, ulong seed, int sample, int draw)
    {
        canvas.Load(image);
        for (int s = 0; s < Steps.Count; s++)
        {
            var random = new TransformRandom(seed, sample, draw, s);
            Steps[s].Apply(canvas, ref random);
        }
    }

    /// <summary>Writes the normalized image.</summary>
    internal void Finish(ImageCanvas canvas, Span<float> to)
    {
        int area = canvas.Size.Area;
        for (int c = 0; c < canvas.Channels; c++)
        {
            if (Normalization is null)
            {
                canvas.Plane(c).CopyTo(to[(c * area)..]);
            }
            else
            {
                PlaneMath.Normalize(canvas.Plane(c), to.Slice(c * area, area), Normalization.Mean[c], Normalization.Deviation[c]);
            }
        }
    }
}
