using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Inference;

public sealed class EarlyExitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_batch_answers_as_each_image_alone(bool reuse)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        using StudentGroup group = StudentGroupTests.Make(ScanKind.Forward, reuse);
        Tensor images = randn(40, 1, 8, 8) * 3;
        double[] thresholds = [.. Middle(group, images)];
        using EarlyExitAnswer batch = EarlyExit.Run(group, images, thresholds);
        double flops = 0;
        for (int i = 0; i < 40; i++)
        {
            Tensor one = images.narrow(0, i, 1);
            int t = 1;
            while (t < 3 && group.Predict(one, t).softmax(1).max().ToDouble() < thresholds[t - 1])
            {
                t++;
            }

            Assert.Equal(t, batch.Students[i]);
            TensorAssert.Close(group.Predict(one, t), batch.Logits.narrow(0, i, 1), 1e-6, $"image {i}");
            flops += group.Flops[t - 1];
        }

        Assert.Equal(flops / 40, batch.MeanFlops, 6);
        Assert.Equal(3, batch.Students.Distinct().Count());
    }

    [Fact]
    public void Thresholds_keep_to_their_budget_and_the_curve_says_what_they_give()
    {
        var random = new Random(3);
        int[] labels = [.. Enumerable.Range(0, 300).Select(_ => random.Next(4))];
        float[][] prefixes = [.. Enumerable.Range(1, 3).Select(t => labels.SelectMany(y => Enumerable.Range(0, 4).Select(k => (float)((random.NextDouble() * 4) + (k == y ? t : 0)))).ToArray())];
        long[] flops = [10, 40, 100];
        ExitPoint half = EarlyExit.Calibrate(prefixes, labels, flops, 55);
        Assert.InRange(half.mean_flops, 50, 55);
        Assert.Equal(half, EarlyExit.Curve(prefixes, labels, flops, [half.theta])[0]);

        // The next higher threshold that changes anything would cost too much.
        Assert.True(EarlyExit.Curve(prefixes, labels, flops, [half.theta + 0.01])[0].mean_flops > 55);
        Assert.Equal(100, EarlyExit.Calibrate(prefixes, labels, flops, 1000).mean_flops);
        Assert.Equal(10, EarlyExit.Calibrate(prefixes, labels, flops, 10).mean_flops);
        Refusal.Of<ArgumentException>(() => EarlyExit.Calibrate(prefixes, labels, flops, 5), "mean of 5", "costs 10");
    }

    [Fact]
    public void Images_that_are_lost_again_are_counted()
    {
        // Right, wrong, right: lost on the way; wrong, right, right: not; right, right, wrong: lost; always wrong: not.
        float[][] prefixes = [Logits(0, 1, 0, 1), Logits(1, 0, 0, 1), Logits(0, 0, 1, 1)];
        Assert.Equal(50, EarlyExit.RightThenWrong(prefixes, [0, 0, 0, 0]));

        static float[] Logits(params int[] classes) => [.. classes.SelectMany(c => new[] { c == 0 ? 1f : 0f, c == 1 ? 1f : 0f })];
    }

    [Fact]
    public void Thresholds_that_are_missing_are_named()
    {
        using DisposeScope scope = NewDisposeScope();
        using StudentGroup group = StudentGroupTests.Make(ScanKind.Forward, false);
        Refusal.Of<ArgumentException>(() => EarlyExit.Run(group, randn(1, 1, 8, 8)), "no calibrated thresholds");
        Refusal.Of<ArgumentException>(() => EarlyExit.Run(group, randn(1, 1, 8, 8), [0.5]), "1 thresholds for 3");
    }

    private static IEnumerable<double> Middle(StudentGroup group, Tensor images)
    {
        for (int t = 1; t <= 3; t++)
        {
            double[] confidence = [.. group.Predict(images, t).softmax(1).amax([1L]).data<float>().ToArray().Select(c => (double)c).Order()];
            yield return (confidence[19] + confidence[20]) / 2;
        }
    }
}
