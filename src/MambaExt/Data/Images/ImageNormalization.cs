namespace MambaExt.Data.Images;

/// <summary>Mean and standard deviation of each channel, of pixels divided by 255: a value becomes (pixel / 255 - mean) / deviation.</summary>
/// <param name="Mean">[C].</param>
/// <param name="Deviation">[C], above 0.</param>
public sealed record ImageNormalization(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>The usual constants of ImageNet, red, green and blue.</summary>
    public static ImageNormalization ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>Leaves pixels at 0 to 1.</summary>
    public static ImageNormalization None(int channels) => new(Enumerable.Repeat(0f, channels).ToArray(), Enumerable.Repeat(1f, channels).ToArray());

    /// <summary>Measures some images, the training part say. Counts are exact, so neither their order nor threads matter.</summary>
    /// <param name="samples">Where they are.</param>
    /// <param name="indices">Which of them; empty for all.</param>
    public static ImageNormalization Of(ImageSamples samples, ReadOnlySpan<int> indices = default)
    {
        ArgumentNullException.ThrowIfNull(samples);
        int[] chosen = indices.IsEmpty ? [.. Enumerable.Range(0, samples.Count)] : samples.CheckedIndices(indices);
        long[,] counts = new long[samples.Channels, 256];
        SampleParallel.For(chosen.Length, (from, to) =>
        {
            byte[] scratch = [];
            long[,] own = new long[samples.Channels, 256];
            for (int i = from; i < to; i++)
            {
                ImageView image = samples.Read(chosen[i], ref scratch);
                for (int c = 0; c < samples.Channels; c++)
                {
                    foreach (byte pixel in image.Pixels.Span.Slice(c * image.Size.Area, image.Size.Area))
                    {
                        own[c, pixel]++;
                    }
                }
            }

            lock (counts)
            {
                for (int at = 0; at < counts.Length; at++)
                {
                    counts[at / 256, at % 256] += own[at / 256, at % 256];
                }
            }
        });
        var (mean, deviation) = (new float[samples.Channels], new float[samples.Channels]);
        for (int c = 0; c < mean.Length; c++)
        {
            (mean[c], deviation[c]) = Moments(counts, c);
        }

        return new ImageNormalization(mean, deviation);
    }

    /// <summary>Stable words, for the fingerprint of what was done to an image.</summary>
    public override string ToString() => FormattableString.Invariant($"normalize({string.Join(' ', Mean)}; {string.Join(' ', Deviation)})");

    /// <inheritdoc/>
    public bool Equals(ImageNormalization? other) => other is not null && Mean.SequenceEqual(other.Mean) && Deviation.SequenceEqual(other.Deviation);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>What each of the 256 values becomes, [C][256].</summary>
    internal float[][] Tables(int channels)
    {
        if (Mean.Count != channels || Deviation.Count != channels)
        {
            throw new ArgumentException($"The normalization has {Mean.Count} means and {Deviation.Count} deviations and the images have {channels} channels; give one of each a channel.");
        }

        if (Deviation.Any(d => !(d > 0)))
        {
            throw new ArgumentException($"The deviations {string.Join(", ", Deviation)} are not all above 0; a constant channel takes 1.");
        }

        return [.. Enumerable.Range(0, channels).Select(c => Enumerable.Range(0, 256).Select(v => (float)(((v / 255.0) - Mean[c]) / Deviation[c])).ToArray())];
    }

    private static (float Mean, float Deviation) Moments(long[,] counts, int channel)
    {
        double all = 0, sum = 0, squares = 0;
        for (int value = 0; value < 256; value++)
        {
            double count = counts[channel, value], x = value / 255.0;
            (all, sum, squares) = (all + count, sum + (count * x), squares + (count * x * x));
        }

        double mean = all > 0 ? sum / all : 0, variance = all > 0 ? (squares / all) - (mean * mean) : 0;

        // A constant channel stays what it is; below this a rounding error would be blown up.
        return ((float)mean, variance > 1e-12 ? (float)Math.Sqrt(variance) : 1);
    }
}
