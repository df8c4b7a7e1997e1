using MambaExt.Vision.Transforms;
using TorchSharp;

namespace MambaExt.Data.Images;

/// <summary>
/// Labelled images, N of them, 8 bits a channel: in memory (<see cref="MemoryImages"/>), or decoded when they are read. A subset is a list of
/// indices into them, so that the number of a sample, by which augmentation is drawn and teacher logits are kept, never changes.
/// </summary>
public abstract class ImageSamples
{
    /// <summary>N images of <paramref name="channels"/> channels.</summary>
    /// <param name="channels">C, 1 or 3.</param>
    /// <param name="size">H and W of every image; null where each has its own.</param>
    /// <param name="labels">Class of each, 0 ... K - 1, [N].</param>
    protected ImageSamples(int channels, ImageSize? size, int[] labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        if (channels < 1 || size is { Height: < 1 } or { Width: < 1 })
        {
            throw new ArgumentException($"Images of {channels} channels and {size} pixels were given; all of them must be 1 or more.");
        }

        (Channels, Size, Labels) = (channels, size, labels);
    }

    /// <summary>Images, N.</summary>
    public int Count => Labels.Length;

    /// <summary>Channels, C.</summary>
    public int Channels { get; }

    /// <summary>Height and width of every image, or null where each image has its own.</summary>
    public ImageSize? Size { get; }

    /// <summary>Class of each image, 0 ... K - 1, [N].</summary>
    public int[] Labels { get; }

    /// <summary>What the image is called in messages: its path below the data set where it has one, else its number.</summary>
    public virtual string Name(int index) => FormattableString.Invariant($"image {index}");

    /// <summary>The pixels of an image. Safe from several threads, each with its own scratch memory.</summary>
    /// <param name="index">0 ... N - 1.</param>
    /// <param name="scratch">Memory that a decoder fills and, where it is too small, replaces; the pixels may lie in it until the next call.</param>
    /// <exception cref="InvalidDataException">The image does not decode.</exception>
    public abstract ImageView Read(int index, ref byte[] scratch);

    /// <summary>Some of the images as numbers, without augmentation: (pixel / 255 - mean) / deviation, [B, C, H, W], float32, on the CPU.</summary>
    /// <param name="indices">B of 0 ... N - 1, in the order wanted; one may come twice.</param>
    /// <param name="normalization">Mean and deviation of each channel; null for pixels of 0 to 1.</param>
    /// <exception cref="InvalidOperationException">The images have sizes of their own: transform them to one size instead.</exception>
    public torch.Tensor Gather(ReadOnlySpan<int> indices, ImageNormalization? normalization = null)
    {
        ImageSize size = Size ?? throw new InvalidOperationException("The images have sizes of their own and cannot be stacked as they are; take a transform that ends in one size.");
        float[][] tables = (normalization ?? ImageNormalization.None(Channels)).Tables(Channels);
        int[] chosen = CheckedIndices(indices);
        return SampleParallel.Fill([chosen.Length, Channels, size.Height, size.Width], (start, from, to) =>
        {
            byte[] scratch = [];
            for (int b = from; b < to; b++)
            {
                ReadOnlySpan<byte> pixels = Read(chosen[b], ref scratch).Pixels.Span;
                Span<float> values = SampleParallel.Floats(start, (long)b * pixels.Length, pixels.Length);
                for (int c = 0; c < tables.Length; c++)
                {
                    PixelTable.Apply(tables[c], pixels.Slice(c * size.Area, size.Area), values.Slice(c * size.Area, size.Area));
                }
            }
        });
    }

    /// <summary>All images in their order, [N, C, H, W], as <see cref="Gather"/> makes them.</summary>
    public torch.Tensor GatherAll(ImageNormalization? normalization = null) => Gather([.. Enumerable.Range(0, Count)], normalization);

    /// <summary>The classes of some images, [B], int64.</summary>
    public torch.Tensor GatherLabels(ReadOnlySpan<int> indices)
    {
        var labels = new long[indices.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = Labels[indices[i]];
        }

        return torch.tensor(labels);
    }

    /// <summary>The images of each class, ascending, [K][].</summary>
    /// <param name="classes">K.</param>
    public int[][] ByClass(int classes)
    {
        ILookup<int, int> samples = Enumerable.Range(0, Count).ToLookup(i => Labels[i]);
        return [.. Enumerable.Range(0, classes).Select(k => samples[k].ToArray())];
    }

    /// <summary>All images at one size, in memory: the shorter side is brought to the size, and what is too long is cut off at both ends.</summary>
    /// <param name="size">H and W.</param>
    /// <param name="interpolation">How values between pixels are found.</param>
    /// <param name="invert">255 - value instead of each value: ink becomes 1 and paper 0.</param>
    /// <exception cref="InvalidDataException">Some images do not decode; the message names the first.</exception>
    public MemoryImages Resized(ImageSize size, Interpolation interpolation = Interpolation.Box, bool invert = false)
    {
        long values = (long)Channels * size.Height * size.Width;
        if (size.Height < 1 || size.Width < 1 || values * Count > Array.MaxLength)
        {
            throw new ArgumentException($"{Count} images of {Channels}x{size} were asked for in memory; at most {Array.MaxLength} bytes fit, so take a smaller size, or decode them when they are read.");
        }

        byte[] pixels = new byte[values * Count];
        DecodeAll((i, image) =>
        {
            ImageCanvas canvas = ImageCanvas.Own;
            canvas.Load(image);
            Resampling.Cover(canvas, size, interpolation);
            Span<byte> to = pixels.AsSpan((int)(i * values), (int)values);
            ReadOnlySpan<float> from = canvas.Pixels;
            for (int p = 0; p < to.Length; p++)
            {
                byte value = (byte)((from[p] * 255) + 0.5f);
                to[p] = invert ? (byte)(255 - value) : value;
            }
        });
        return new MemoryImages(pixels, Channels, size, Labels, [.. Enumerable.Range(0, Count).Select(Name)]);
    }

    /// <summary>Gives every image to <paramref name="take"/>, on several threads.</summary>
    internal virtual void DecodeAll(Action<int, ImageView> take) => SampleParallel.For(Count, (from, to) =>
    {
        byte[] scratch = [];
        for (int i = from; i < to; i++)
        {
            take(i, Read(i, ref scratch));
        }
    });

    internal int[] CheckedIndices(ReadOnlySpan<int> indices)
    {
        foreach (int index in indices)
        {
            if ((uint)index >= (uint)Count)
            {
                throw new ArgumentOutOfRangeException(null, $"There is no image {index}; the images are 0 to {Count - 1}.");
            }
        }

        return indices.ToArray();
    }
}
