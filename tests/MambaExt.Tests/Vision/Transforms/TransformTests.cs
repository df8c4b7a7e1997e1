using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;

namespace MambaExt.Tests.Vision.Transforms;

/// <summary>Each transform against its definition in double precision, fed with the same random numbers.</summary>
public sealed class TransformTests
{
    [Theory]
    [InlineData(ShiftPadding.Zero)]
    [InlineData(ShiftPadding.Reflect)]
    public void Shift_is_pad_and_crop(ShiftPadding padding)
    {
        var seen = new HashSet<(int, int)>();
        for (int sample = 0; sample < 1200; sample++)
        {
            (int height, int width, int most) = (5 + (sample % 4), 4 + (sample % 9), sample % 4);
            byte[] pixels = NaiveImage.RandomPixels(3, height, width, sample);
            var random = new TransformRandom(1, sample, 0, 0);
            int down = random.Below((2 * most) + 1) - most, right = random.Below((2 * most) + 1) - most;
            seen.Add((down, right));
            var image = NaiveImage.Of(pixels, 3, height, width);
            int Mirror(int at, int length) => at < 0 ? -at : at > length - 1 ? length - 1 - (at - (length - 1)) : at;
            NaiveImage expected = image.Map(height, width, (c, y, x) =>
                padding == ShiftPadding.Zero ? image[c, y + down, x + right] : image[c, Mirror(y + down, height), Mirror(x + right, width)]);
            expected.AssertIs(NaiveImage.Real(pixels, 3, height, width, new RandomShift(most, padding), new TransformRandom(1, sample, 0, 0)));
        }

        Assert.Equal(49, seen.Count);
    }

    [Fact]
    public void Flip_mirrors_every_row_half_of_the_time()
    {
        int flipped = 0;
        for (int sample = 0; sample < 400; sample++)
        {
            byte[] pixels = NaiveImage.RandomPixels(2, 3, 1 + (sample % 21), sample);
            int width = 1 + (sample % 21);
            bool flip = new TransformRandom(2, sample, 5, 0).Uniform() < 0.5;
            flipped += flip ? 1 : 0;
            var image = NaiveImage.Of(pixels, 2, 3, width);
            (flip ? image.Map(3, width, (c, y, x) => image[c, y, width - 1 - x]) : image)
                .AssertIs(NaiveImage.Real(pixels, 2, 3, width, new HorizontalFlip(), new TransformRandom(2, sample, 5, 0)));
        }

        Assert.InRange(flipped, 160, 240);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Colour_jitter_changes_in_a_random_order(int channels)
    {
        int[][] orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        double[] strengths = [0.4, 0.3, 0.8];
        for (int sample = 0; sample < 60; sample++)
        {
            byte[] pixels = NaiveImage.RandomPixels(channels, 7, 11, sample);
            var random = new TransformRandom(3, sample, 1, 2);
            int[] order = orders[random.Below(6)];
            double[] factors = new double[3];
            for (int i = 0; i < 3; i++)
            {
                factors[i] = random.Uniform(Math.Max(0, 1 - strengths[i]), 1 + strengths[i]);
            }

            var image = NaiveImage.Of(pixels, channels, 7, 11);
            foreach (int change in order)
            {
                NaiveImage before = image;
                double mean = (from y in Enumerable.Range(0, 7) from x in Enumerable.Range(0, 11) select before.Gray(y, x)).Average(), f = factors[change];
                image = before.Map(7, 11, (c, y, x) => Math.Clamp(
                    change == 0 ? f * before[c, y, x] : change == 1 ? (f * before[c, y, x]) + ((1 - f) * mean) : channels == 1 ? before[c, y, x] : (f * before[c, y, x]) + ((1 - f) * before.Gray(y, x)), 0, 1));
            }

            image.AssertIs(NaiveImage.Real(pixels, channels, 7, 11, new ColorJitter(0.4, 0.3, 0.8), new TransformRandom(3, sample, 1, 2)));
        }
    }

    [Fact]
    public void Affine_moves_points_as_it_says()
    {
        for (int sample = 0; sample < 40; sample++)
        {
            byte[] pixels = NaiveImage.RandomPixels(2, 13, 9, sample);
            var random = new TransformRandom(4, sample, 0, 3);
            double angle = random.Uniform(-25, 25) * Math.PI / 180, scale = random.Uniform(0.8, 1.2), shear = random.Uniform(-0.2, 0.2);
            double right = random.Uniform(-0.15, 0.15) * 9, down = random.Uniform(-0.15, 0.15) * 13;

            // M = R s K, with x to the right and y down, inverted by the rule for two rows and columns.
            double m00 = Math.Cos(angle) * scale, m01 = scale * ((Math.Cos(angle) * shear) - Math.Sin(angle)), m10 = Math.Sin(angle) * scale, m11 = scale * ((Math.Sin(angle) * shear) + Math.Cos(angle));
            double determinant = (m00 * m11) - (m01 * m10);
            var image = NaiveImage.Of(pixels, 2, 13, 9);
            NaiveImage expected = image.Map(13, 9, (c, y, x) =>
            {
                double px = x - 4 - right, py = y - 6 - down;
                double fromX = (((m11 * px) - (m01 * py)) / determinant) + 4, fromY = (((-m10 * px) + (m00 * py)) / determinant) + 6;
                double sum = 0;
                for (int i = (int)Math.Floor(fromY); i <= Math.Floor(fromY) + 1; i++)
                {
                    for (int j = (int)Math.Floor(fromX); j <= Math.Floor(fromX) + 1; j++)
                    {
                        sum += image[c, i, j] * (1 - Math.Abs(fromY - i)) * (1 - Math.Abs(fromX - j));
                    }
                }

                return sum;
            });
            expected.AssertIs(NaiveImage.Real(pixels, 2, 13, 9, new RandomAffine(25, 0.2, 0.2, 0.15), new TransformRandom(4, sample, 0, 3)));
        }
    }

    [Fact]
    public void Doing_nothing_leaves_every_bit()
    {
        byte[] pixels = NaiveImage.RandomPixels(3, 8, 8, 1);
        var image = NaiveImage.Of(pixels, 3, 8, 8);
        ImageTransform[] idle = [new RandomShift(0), new HorizontalFlip(0), new ColorJitter(0), new RandomAffine(), new ResizeTo(new ImageSize(8, 8)), new CenterCrop(8), new RandomResizedCrop(8) { MinScale = 1, MinRatio = 1, MaxRatio = 1 }];
        Assert.All(idle, transform => image.AssertIs(NaiveImage.Real(pixels, 3, 8, 8, transform, new TransformRandom(1, 1, 1, 1)), 6e-8));
    }

    [Fact]
    public void Options_are_checked_and_may_be_changed()
    {
        Assert.Equal("shift(2, reflect)", (new RandomShift(4, ShiftPadding.Reflect) with { Pixels = 2 }).Fingerprint);
        Refusal.Of<ArgumentOutOfRangeException>(() => _ = new HorizontalFlip(1.5), "HorizontalFlip", "Probability = 1.5", "0 to 1");
        Refusal.Of<ArgumentOutOfRangeException>(() => _ = new ColorJitter(0.4) with { Contrast = -1 }, "Contrast = -1");
        Refusal.Of<ArgumentException>(() => new RandomShift(4, ShiftPadding.Reflect).Output(new ImageSize(4, 9)), "4x9", "less far than the image");
        Refusal.Of<ArgumentException>(() => new RandomResizedCrop(8) { MinScale = 0 }.Output(null), "scale 0 to 1");
        Refusal.Of<ArgumentException>(() => new CenterCrop(8).Output(new ImageSize(7, 9)), "8x8", "7x9", "resize it first");
    }
}
