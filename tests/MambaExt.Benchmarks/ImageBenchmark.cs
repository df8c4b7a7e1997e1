using System.Diagnostics;
using MambaExt.Data.Images;
using MambaExt.Vision.Transforms;
using SkiaSharp;

namespace MambaExt.Benchmarks;

/// <summary>How many augmented images a second come out of the transforms?</summary>
internal static class ImageBenchmark
{
    private const int Batch = 256;

    public static void Run()
    {
        MemoryImages small = Noise(2048, 32, 32), large = Noise(64, 400, 500);
        var normalization = new ImageNormalization([0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]);
        foreach (int threads in new[] { 1, 2 })
        {
            Compute.Threads = threads;
            int[] batch = [.. Enumerable.Range(0, Batch)];
            Report("gather, 3x32x32", () => small.Gather(batch, normalization).Dispose(), Batch);
            Views("shift and flip, 3x32x32", small, new ImagePipeline([new RandomShift(4, ShiftPadding.Reflect), new HorizontalFlip()], normalization), null);
            Views("the same with mixup and CutMix", small, new ImagePipeline([new RandomShift(4, ShiftPadding.Reflect), new HorizontalFlip()], normalization), new ImageMixing(0.4, 0.8, 0.4));
            Views("random resized crop (bicubic), flip and jitter, 3x32x32", small, new ImagePipeline([new RandomResizedCrop(32) { MinScale = 0.6, Interpolation = Interpolation.Bicubic }, new HorizontalFlip(), new ColorJitter(0.4)], normalization), null);
            Views("affine jitter, 3x32x32", small, new ImagePipeline([new RandomAffine(15, 0.15, 0.2, 0.15)], normalization), null);
            Views("random resized crop to 84, flip and jitter, 3x400x500", large, new ImagePipeline([new RandomResizedCrop(84), new HorizontalFlip(), new ColorJitter(0.4)], normalization), null);
        }

        Files();

        void Views(string what, ImageSamples images, ImagePipeline pipeline, ImageMixing? mixing)
        {
            var views = new ImageViews(images, pipeline, 1, mixing);
            int[] batch = [.. Enumerable.Range(0, Math.Min(Batch, images.Count))];
            int draw = 0;
            Report(what, () => views.Batch(batch, draw++).Dispose(), batch.Length);
        }
    }

    /// <summary>Photographs of 375x500 pixels that are decoded each time.</summary>
    private static void Files()
    {
        string folder = Directory.CreateTempSubdirectory("mambaext-").FullName;
        try
        {
            using var bitmap = new SKBitmap(500, 375);
            for (int p = 0; p < 500 * 375; p++)
            {
                bitmap.SetPixel(p % 500, p / 500, new SKColor((byte)(p % 500 / 2), (byte)(p / 500), (byte)(p * 31 / 500)));
            }

            string[] names = [.. Enumerable.Range(0, 64).Select(i => $"{i}.jpg")];
            foreach (string name in names)
            {
                using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
                File.WriteAllBytes(Path.Combine(folder, name), data.ToArray());
            }

            var views = new ImageViews(new FileImages(folder, names, new int[names.Length]), new ImagePipeline([new RandomResizedCrop(224), new HorizontalFlip(), new ColorJitter(0.3)]), 1);
            int draw = 0;
            Report("JPEG files of 375x500, random resized crop to 224, flip and jitter", () => views.Batch([.. Enumerable.Range(0, names.Length)], draw++).Dispose(), names.Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Report(string what, Action action, int images)
    {
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < 1;)
        {
            action();
        }

        double[] seconds = new double[21];
        for (int round = 0; round < seconds.Length; round++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            seconds[round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(seconds);
        Console.WriteLine($"{what}, {Compute.Threads} thread(s): {images / seconds[seconds.Length / 2]:n0} images a second (best {images / seconds[0]:n0})");
    }

    private static MemoryImages Noise(int count, int height, int width)
    {
        byte[] pixels = new byte[count * 3 * height * width];
        new Random(1).NextBytes(pixels);
        return new MemoryImages(pixels, 3, new ImageSize(height, width), new int[count]);
    }
}
