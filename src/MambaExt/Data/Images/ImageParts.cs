namespace MambaExt.Data.Images;

/// <summary>What is done to the parts of any data set once they are read.</summary>
internal static class ImageParts
{
    /// <summary>Puts a data set together as the options say.</summary>
    public static ImageDataSet Together(
        string name, ImageSamples train, ImageSamples test, IReadOnlyList<string> classNames, DataVariant variant, IReadOnlyList<DataSetFile> files, ImageLoadOptions options)
    {
        if (options.Whole)
        {
            if (train is not EncodedImages)
            {
                throw new ArgumentException($"All images of {name} were asked for as one part; its images have no paths for lists to name, so take its own parts.");
            }

            train = test = test.Count == 0 || ReferenceEquals(train, test) ? train : new JoinedImages(train, test);
        }

        if (options.Size is { } size)
        {
            ImageSamples resized = AtSize(train, size);
            return new ImageDataSet(name, resized, ReferenceEquals(train, test) ? resized : AtSize(test, size), classNames, variant, files);
        }

        if (options.Verify)
        {
            (train as EncodedImages)?.Verify();
            if (!ReferenceEquals(train, test))
            {
                (test as EncodedImages)?.Verify();
            }
        }

        return new ImageDataSet(name, train, test, classNames, variant, files);
    }

    private static ImageSamples AtSize(ImageSamples samples, ImageSize size) => samples.Size == size ? samples : samples.Resized(size, Vision.Transforms.Interpolation.Bilinear);

    /// <summary>Two parts end to end.</summary>
    private sealed class JoinedImages(ImageSamples first, ImageSamples second)
        : EncodedImages([.. Enumerable.Range(0, first.Count).Select(first.Name), .. Enumerable.Range(0, second.Count).Select(second.Name)], [.. first.Labels, .. second.Labels], first.Channels)
    {
        public override ImageView Read(int index, ref byte[] scratch) => index < first.Count ? first.Read(index, ref scratch) : second.Read(index - first.Count, ref scratch);

        protected override byte[] File(int index) => throw new NotSupportedException("The parts read their own files.");
    }
}
