using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Vision.Transforms;

public sealed class ResamplingTests : TensorTests
{
    [Theory]
    [InlineData(Interpolation.Bilinear)]
    [InlineData(Interpolation.Bicubic)]
    [InlineData(Interpolation.Box)]
    public void Every_pair_of_sizes_follows_the_definition(Interpolation kind)
    {
        foreach ((int fromHeight, int fromWidth, int height, int width) in new[] { (7, 9, 3, 4), (3, 4, 7, 9), (1, 5, 4, 1), (16, 5, 4, 17), (32, 28, 32, 32), (10, 100, 9, 7) })
        {
            byte[] pixels = NaiveImage.RandomPixels(2, fromHeight, fromWidth, fromHeight);
            var image = NaiveImage.Of(pixels, 2, fromHeight, fromWidth);
            Naive(image, 0, 0, fromHeight, fromWidth, height, width, kind)
                .AssertIs(NaiveImage.Real(pixels, 2, fromHeight, fromWidth, new ResizeTo(new ImageSize(height, width), kind), default));
        }
    }

    [Fact]
    public void Crops_are_drawn_and_resized()
    {
        for (int sample = 0; sample < 60; sample++)
        {
            (int height, int width) = (12 + (sample % 5), 9 + (sample % 11));
            byte[] pixels = NaiveImage.RandomPixels(1, height, width, sample);
            var crop = new RandomResizedCrop(new ImageSize(8, 6)) { MinScale = 0.2, Interpolation = sample % 2 == 0 ? Interpolation.Bilinear : Interpolation.Bicubic };
            var random = new TransformRandom(8, sample, 0, 0);
            (int top, int left, ImageSize part) = NaivePart(height, width, ref random);
            Naive(NaiveImage.Of(pixels, 1, height, width), top, left, part.Height, part.Width, 8, 6, crop.Interpolation)
                .AssertIs(NaiveImage.Real(pixels, 1, height, width, crop, new TransformRandom(8, sample, 0, 0)));
        }
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(1, 100)]
    [InlineData(2, 3)]
    public void Crops_of_odd_images_lie_within(int height, int width)
    {
        for (int sample = 0; sample < 200; sample++)
        {
            var random = new TransformRandom(1, sample, 0, 0);
            (int top, int left, ImageSize part) = new RandomResizedCrop(8).Part(new ImageSize(height, width), ref random);
            Assert.True(top >= 0 && left >= 0 && part.Height > 0 && part.Width > 0 && top + part.Height <= height && left + part.Width <= width);
        }
    }

    [Fact]
    public void Crops_cover_the_areas_and_ratios_asked_for()
    {
        double[] areas = new double[2000], ratios = new double[2000];
        for (int sample = 0; sample < areas.Length; sample++)
        {
            var random = new TransformRandom(2, sample, 0, 0);
            ImageSize part = new RandomResizedCrop(8) { MinScale = 0.25, MaxScale = 0.5 }.Part(new ImageSize(1000, 1000), ref random).Part;
            (areas[sample], ratios[sample]) = (part.Area / 1e6, Math.Log((double)part.Width / part.Height));
        }

        Assert.InRange(areas.Min(), 0.248, 0.255);
        Assert.InRange(areas.Max(), 0.495, 0.502);
        Assert.InRange(areas.Average(), 0.37, 0.38);
        Assert.InRange(ratios.Min(), -0.29, -0.28);
        Assert.InRange(ratios.Max(), 0.28, 0.29);
        Assert.InRange(ratios.Average(), -0.01, 0.01);
    }

    [Fact]
    public void Enlarging_agrees_with_torch()
    {
        using IDisposable scope = NewDisposeScope();
        byte[] pixels = NaiveImage.RandomPixels(3, 7, 5, 3);
        ImageCanvas canvas = NaiveImage.Real(pixels, 3, 7, 5, new ResizeTo(new ImageSize(19, 11)), default);
        Tensor expected = nn.functional.interpolate(
            tensor(pixels.Select(p => p / 255f).ToArray(), 1, 3, 7, 5), size: [19, 11], mode: InterpolationMode.Bilinear, align_corners: false);
        TensorAssert.Close(expected.flatten(), tensor(canvas.Pixels.ToArray()), 1e-6);
    }

    [Fact]
    public void A_box_is_the_mean_of_what_it_covers()
    {
        using IDisposable scope = NewDisposeScope();
        byte[] pixels = NaiveImage.RandomPixels(1, 12, 8, 3);
        ImageCanvas canvas = NaiveImage.Real(pixels, 1, 12, 8, new ResizeTo(new ImageSize(4, 2), Interpolation.Box), default);
        Tensor expected = nn.functional.avg_pool2d(tensor(pixels.Select(p => p / 255f).ToArray(), 1, 1, 12, 8), new long[] { 3, 4 }, new long[] { 3, 4 });
        TensorAssert.Close(expected.flatten(), tensor(canvas.Pixels.ToArray()), 1e-6);
    }

    [Fact]
    public void Test_transforms_keep_the_middle()
    {
        byte[] pixels = NaiveImage.RandomPixels(3, 40, 61, 3);
        var pipeline = new ImagePipeline([new Resize(20), new CenterCrop(16)]);
        Assert.Equal(new ImageSize(16, 16), pipeline.Output(new ImageSize(40, 61)));
        Assert.Equal(new ImageSize(20, 30), new Resize(20).Output(new ImageSize(40, 61)));
        Assert.Equal(new ImageSize(33, 20), new Resize(20).Output(new ImageSize(50, 30)));
        var canvas = new ImageCanvas();
        pipeline.Apply(canvas, new ImageView(pixels, 3, new ImageSize(40, 61)), 0, 0, 0);
        NaiveImage resized = Naive(NaiveImage.Of(pixels, 3, 40, 61), 0, 0, 40, 61, 20, 30, Interpolation.Bilinear);
        resized.Map(16, 16, (c, y, x) => resized[c, y + 2, x + 7]).AssertIs(canvas);
    }

    /// <summary>The sum over all pixels of the part, each weighted by the kernel at its distance.</summary>
    private static NaiveImage Naive(NaiveImage image, int top, int left, int partHeight, int partWidth, int height, int width, Interpolation kind)
    {
        double ratioY = (double)partHeight / height, ratioX = (double)partWidth / width;
        return image.Map(height, width, (c, y, x) =>
        {
            double sum = 0, weights = 0;
            for (int i = 0; i < partHeight; i++)
            {
                for (int j = 0; j < partWidth; j++)
                {
                    double weight = Weight(i, y, ratioY, kind) * Weight(j, x, ratioX, kind);
                    (sum, weights) = (sum + (weight * image[c, top + i, left + j]), weights + weight);
                }
            }

            return Math.Clamp(sum / weights, 0, 1);
        });
    }

    private static double Weight(int input, int output, double ratio, Interpolation kind)
    {
        double wide = Math.Max(1, ratio), center = (output + 0.5) * ratio, distance = Math.Abs(input + 0.5 - center) / wide;
        return kind switch
        {
            Interpolation.Box => (input + 0.5 - center) / wide is > -0.5 and <= 0.5 ? 1 : 0,
            Interpolation.Bilinear => Math.Max(0, 1 - distance),
            _ => distance < 1 ? 1 - (2.5 * distance * distance) + (1.5 * distance * distance * distance)
                : distance < 2 ? 2 - (4 * distance) + (2.5 * distance * distance) - (0.5 * distance * distance * distance) : 0,
        };
    }

    private static (int Top, int Left, ImageSize Part) NaivePart(int height, int width, ref TransformRandom random)
    {
        for (int attempt = 0; attempt < 10; attempt++)
        {
            double area = height * width * (0.2 + (0.8 * random.Uniform())), low = Math.Log(0.75), high = Math.Log(4 / 3.0), ratio = Math.Exp(low + ((high - low) * random.Uniform()));
            int w = (int)Math.Round(Math.Sqrt(area * ratio)), h = (int)Math.Round(Math.Sqrt(area / ratio));
            if (w <= width && h <= height)
            {
                return (random.Below(height - h + 1), random.Below(width - w + 1), new ImageSize(h, w));
            }
        }

        throw new InvalidOperationException("no part fits; the test is to use wider images");
    }
}
