using MambaExt.Vision.Transforms;

namespace MambaExt.Tests.Vision.Transforms;

public sealed class TransformRandomTests
{
    [Fact]
    public void Numbers_are_those_of_the_counter()
    {
        var random = new TransformRandom(0x1234_5678_9ABC_DEF0, 3, 2, 1);
        for (uint block = 0; block < 3; block++)
        {
            (uint r0, uint r1, uint r2, uint r3) = CounterRandom.Block(0x1234_5678_9ABC_DEF0, 3, 2, (1 << 16) | block, (uint)RandomStream.Augmentation << 24);
            Assert.Equal([r0, r1, r2, r3], new[] { random.NextBits(), random.NextBits(), random.NextBits(), random.NextBits() });
        }
    }

    [Fact]
    public void Each_coordinate_makes_other_numbers()
    {
        uint First(ulong seed, int sample, int draw, int step, RandomStream stream) => new TransformRandom(seed, sample, draw, step, stream).NextBits();
        uint[] firsts =
        [
            First(1, 2, 3, 4, RandomStream.Augmentation), First(2, 2, 3, 4, RandomStream.Augmentation), First(1, 3, 3, 4, RandomStream.Augmentation),
            First(1, 2, 4, 4, RandomStream.Augmentation), First(1, 2, 3, 5, RandomStream.Augmentation), First(1, 2, 3, 4, RandomStream.Mixing),
        ];
        Assert.Equal(firsts.Length, firsts.Distinct().Count());
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.8)]
    [InlineData(1)]
    [InlineData(4)]
    public void Beta_has_its_moments(double alpha)
    {
        double[] values = [.. Enumerable.Range(0, 40_000).Select(i => new TransformRandom(5, i, 0, 0).Beta(alpha))];
        double mean = values.Average(), variance = values.Average(v => v * v) - (mean * mean);
        Assert.All(values, v => Assert.InRange(v, 0, 1));
        Assert.InRange(mean, 0.492, 0.508);
        Assert.InRange(variance * 4 * ((2 * alpha) + 1), 0.97, 1.03);
    }

    [Fact]
    public void Whole_numbers_are_even()
    {
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++)
        {
            counts[new TransformRandom(9, i, 1, 0).Below(7)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }
}
