using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Vision.Transforms;

public sealed class ImageViewsTests : TensorTests
{
    private static readonly ImageNormalization Normalization = new([0.4f, 0.5f, 0.3f], [0.25f, 0.2f, 0.3f]);
    private static readonly MemoryImages Images = Samples(40, 12, 10);
    private static readonly ImagePipeline Rich = new(
        [new RandomResizedCrop(new ImageSize(11, 9)) { MinScale = 0.3 }, new RandomShift(2, ShiftPadding.Reflect), new HorizontalFlip(), new ColorJitter(0.4), new RandomAffine(10, 0.1, 0.1, 0.1)], Normalization);

    [Fact]
    public void A_view_is_the_same_in_any_batch_and_on_any_number_of_threads()
    {
        using IDisposable scope = NewDisposeScope();
        var views = new ImageViews(Images, Rich, 7, new ImageMixing(0.4, 0.8, 0.4), [.. Enumerable.Range(5, 20)]);
        int threads = Compute.Threads;
        try
        {
            Compute.Threads = 1;
            ImageBatch whole = views.Batch([.. Enumerable.Range(0, 40)], 3);
            Compute.Threads = 4;
            ImageBatch mixed = views.Batch([31, 2, 31, 17, 0, 39], [3, 3, 4, 3, 3, 3]);
            for (int b = 0; b < 6; b++)
            {
                bool same = mixed.Draws[b] == 3;
                Assert.Equal(same, mixed.Pixels[b].equal(whole.Pixels[mixed.Indices[b]]).all().item<bool>());
                Assert.True(!same || mixed.Weights![b].item<float>() == whole.Weights![mixed.Indices[b]].item<float>());
            }
        }
        finally
        {
            Compute.Threads = threads;
        }
    }

    [Fact]
    public void Seeds_samples_draws_and_steps_have_numbers_of_their_own()
    {
        using IDisposable scope = NewDisposeScope();
        var pipeline = new ImagePipeline([new RandomShift(3), new HorizontalFlip()]);
        Tensor Of(ulong seed, int draw) => new ImageViews(Images, pipeline, seed).Batch([.. Enumerable.Range(0, 40)], draw).Pixels;
        Tensor first = Of(1, 0);
        Assert.True(first.equal(Of(1, 0)).all().item<bool>());

        // One of 98 shifts and flips: most views differ.
        Assert.All(new[] { Of(1, 1), Of(2, 0) }, other => Assert.InRange((first - other).abs().amax([1, 2, 3]).gt(0).sum().item<long>(), 36, 40));

        // A further step leaves the numbers of those before it as they are.
        Tensor jittered = new ImageViews(Images, new ImagePipeline([new RandomShift(3), new HorizontalFlip(), new ColorJitter(0)]), 1).Batch([.. Enumerable.Range(0, 40)]).Pixels;
        Assert.True(first.equal(jittered).all().item<bool>());
    }

    [Fact]
    public void Draws_are_pinned()
    {
        // What a cache of logits was made from must come out again in every later version.
        var crop = new RandomResizedCrop(8) { MinScale = 0.25 };
        var parts = Enumerable.Range(0, 4).Select(sample =>
        {
            var random = new TransformRandom(11, sample, 2, 0);
            (int top, int left, ImageSize part) = crop.Part(new ImageSize(32, 32), ref random);
            return $"{top} {left} {part}";
        });
        Assert.Equal("10 4 22x26 | 6 1 23x27 | 1 4 31x28 | 10 9 15x18", string.Join(" | ", parts));
        var mixing = new ImageMixing(0.5, 0.8, 0.5, 1);
        var mixed = Enumerable.Range(0, 4).Select(sample => mixing.Draw(11, sample, 2, 1000, new ImageSize(32, 32))).Select(d => FormattableString.Invariant($"{d.Partner} {d.Weight:f4} {d.Box}"));
        Assert.Equal("803 0.7575  | 295 0.8711 (0, 11, 11, 23) | 234 0.0875  | 517 0.4844 (0, 10, 24, 32)", string.Join(" | ", mixed));
    }

    [Fact]
    public void Without_steps_it_is_what_gather_makes()
    {
        using IDisposable scope = NewDisposeScope();
        int[] chosen = [3, 1, 39];
        using ImageBatch batch = new ImageViews(Images, new ImagePipeline([], Normalization)).Batch(chosen);
        TensorAssert.Close(Images.Gather(chosen, Normalization), batch.Pixels, 1e-6);
        Assert.Equal(chosen.Select(i => (long)Images.Labels[i]), batch.Labels.data<long>().ToArray());
        Assert.Null(batch.Weights);
    }

    [Fact]
    public void Mixup_and_cutmix_mix_whole_views()
    {
        using IDisposable scope = NewDisposeScope();
        int[] all = [.. Enumerable.Range(0, 40)], pool = [4, 9, 14, 22];
        var pipeline = new ImagePipeline([new RandomShift(2), new HorizontalFlip()], Normalization);
        ImageBatch plain = new ImageViews(Images, pipeline, 5).Batch(all, 6), partners = new ImageViews(Images, pipeline, 5).Batch(pool, 6);
        var mixing = new ImageMixing(0.5, 0.8, 0.4, 1);
        ImageBatch mixed = new ImageViews(Images, pipeline, 5, mixing, pool).Batch(all, 6);
        int mixups = 0, cuts = 0;
        for (int i = 0; i < all.Length; i++)
        {
            ImageMixing.Drawn drawn = mixing.Draw(5, i, 6, pool.Length, new ImageSize(12, 10));
            double l = mixed.Weights![i].item<float>();
            Assert.Equal(drawn.Weight, l, 1e-6);
            Tensor own = plain.Pixels[i], other = partners.Pixels[drawn.Partner];
            if (drawn.Box is { } box)
            {
                Tensor mask = zeros(12, 10);
                if (box.Bottom > box.Top && box.Right > box.Left)
                {
                    mask[TensorIndex.Slice(box.Top, box.Bottom), TensorIndex.Slice(box.Left, box.Right)] = 1;
                }

                Assert.Equal(1 - (mask.sum().item<float>() / 120), l, 1e-6);
                TensorAssert.Close((own * (1 - mask)) + (other * mask), mixed.Pixels[i], 1e-5);
                cuts++;
            }
            else
            {
                TensorAssert.Close((own * l) + (other * (1 - l)), mixed.Pixels[i], 1e-5);
                mixups += l < 1 ? 1 : 0;
            }

            Assert.Equal(l < 1 ? Images.Labels[pool[drawn.Partner]] : Images.Labels[i], mixed.PartnerLabels![i].item<long>());
            Tensor soft = mixed.SoftTargets(7, 0.14)[i];
            Assert.Equal(1, soft.sum().item<float>(), 1e-5);
            double expected = (0.86 * (Images.Labels[i] == mixed.PartnerLabels[i].item<long>() ? 1 : l)) + 0.02;
            Assert.Equal(expected, soft[Images.Labels[i]].item<float>(), 1e-5);
        }

        Assert.InRange(mixups, 12, 28);
        Assert.InRange(cuts, 8, 24);
    }

    [Fact]
    public void A_fingerprint_tells_every_option()
    {
        ImageViews Of(ulong seed, ImageMixing? mixing, int[]? pool, ImageNormalization? normalization, params ImageTransform[] steps) => new(Images, new ImagePipeline(steps, normalization), seed, mixing, pool);
        ImageViews[] unlike =
        [
            Of(1, null, null, null), Of(2, null, null, null), Of(1, null, null, Normalization), Of(1, null, null, null, new RandomShift(2)), Of(1, null, null, null, new RandomShift(3)),
            Of(1, null, null, null, new RandomShift(2, ShiftPadding.Reflect)), Of(1, null, null, null, new RandomShift(2), new HorizontalFlip()), Of(1, null, null, null, new HorizontalFlip(), new RandomShift(2)),
            Of(1, null, null, null, new RandomResizedCrop(8)), Of(1, null, null, null, new RandomResizedCrop(8) { MinScale = 0.1 }), Of(1, null, null, null, new RandomResizedCrop(8) { Interpolation = Interpolation.Bicubic }),
            Of(1, null, null, null, new ColorJitter(0.1)), Of(1, null, null, null, new ColorJitter(0.1, 0.1)), Of(1, null, null, null, new RandomAffine(1)), Of(1, null, null, null, new RandomAffine(0, 0.1)),
            Of(1, new ImageMixing(0.1), null, null), Of(1, new ImageMixing(0.1, 0.5), null, null), Of(1, new ImageMixing(0, 1, 0.1), null, null), Of(1, new ImageMixing(0.1), [1, 2], null), Of(1, new ImageMixing(0.1), [2, 1], null),
        ];
        Assert.Equal(unlike.Length, unlike.Select(views => views.Fingerprint).Distinct().Count());
        Assert.Equal("views 1; seed 7; shift(4, reflect); flip(0.5); normalize(0.4 0.5 0.3; 0.25 0.2 0.3)", Of(7, null, null, Normalization, new RandomShift(4, ShiftPadding.Reflect), new HorizontalFlip()).Fingerprint);
        Assert.Equal(Of(1, new ImageMixing(0.1), [1, 2], null).Fingerprint, Of(1, new ImageMixing(0.1), [1, 2], null).Fingerprint);
    }

    [Fact]
    public void Epochs_go_through_every_image_and_the_draws_in_turn()
    {
        var views = new ImageViews(Images, new ImagePipeline([new RandomShift(1)]), 1);
        int[] trained = [.. Enumerable.Range(10, 25)];
        IBatches<ImageBatch> batches = views.Shuffled(trained, 8, 3, draws: 2);
        Assert.Equal(4, batches.Count);
        foreach ((int epoch, int draw) in new[] { (1, 0), (2, 1), (3, 0) })
        {
            var seen = new List<int>();
            foreach (ImageBatch batch in batches.Read(epoch, 0, default))
            {
                Assert.All(batch.Draws, d => Assert.Equal(draw, d));
                seen.AddRange(batch.Indices);
            }

            Assert.NotEqual(trained, seen);
            Assert.Equal(trained, seen.Order());
        }

        Assert.Equal(trained, views.InOrder(trained, 7).SelectMany(batch => batch.Indices));
        Assert.Equal([0, 5], views.Shuffled(trained, 25, 3).Read(1, 0, default).Concat(views.Shuffled(trained, 25, 3).Read(6, 0, default)).Select(batch => batch.Draws[0]));
    }

    [Fact]
    public void Batches_leave_no_tensor_alive() => LeakCheck.LeavesNothing(() =>
    {
        var views = new ImageViews(Images, Rich, 7, new ImageMixing(0.4, 0.8, 0.4));
        foreach (ImageBatch batch in views.Shuffled([.. Enumerable.Range(0, 40)], 16, 1).Read(1, 0, default).Take(2))
        {
            batch.SoftTargets(7, 0.1).Dispose();
        }
    });

    [Fact]
    public void What_does_not_fit_is_refused_before_the_first_batch()
    {
        Refusal.Of<ArgumentException>(() => _ = new ImageViews(Images, new ImagePipeline([], ImageNormalization.None(1))), "1 means", "3 channels");
        Refusal.Of<ArgumentException>(() => _ = new ImageViews(Images, new ImagePipeline([new RandomShift(12, ShiftPadding.Reflect)])), "12 pixels", "12x10");
        Refusal.Of<ArgumentException>(() => _ = new ImageViews(Images, new ImagePipeline([]), 1, new ImageMixing(0.7, 1, 0.7)), "Mixup 0.7", "at most 1 together");
        Refusal.Of<ArgumentException>(() => _ = new ImageViews(Images, new ImagePipeline([]), 1, new ImageMixing(0.5), []), "no image to mix");
        Refusal.Of<ArgumentOutOfRangeException>(() => new ImageViews(Images, new ImagePipeline([])).Batch([40]), "no image 40");
        Refusal.Of<ArgumentException>(() => new ImageViews(Images, new ImagePipeline([])).Batch([1], [1, 2]), "1 images and 2 draws");
    }

    [Fact]
    public void Features_are_mixed_with_a_permutation_of_the_batch()
    {
        using IDisposable scope = NewDisposeScope();
        Tensor features = randn(6, 3), labels = tensor(new long[] { 0, 1, 2, 3, 4, 5 });
        features.requires_grad = true;
        var mixup = new FeatureMixup(0.75, 0.3);
        MixedFeatures?[] mixed = [.. Enumerable.Range(0, 400).Select(step => mixup.Mix(features, labels, 9, step))];
        Assert.InRange(mixed.Count(m => m is not null), 270, 330);
        MixedFeatures one = mixed.First(m => m is not null)!;
        int[] partners = [.. one.PartnerLabels.data<long>().ToArray().Select(k => (int)k)];
        Assert.Equal(Enumerable.Range(0, 6), partners.Order());
        TensorAssert.Close((features * 0.3) + (features[tensor(partners.Select(p => (long)p).ToArray())] * 0.7), one.Features, 1e-6);
        one.Features.sum().backward();
        TensorAssert.Close(ones(6, 3), features.grad!, 1e-6);
        Assert.True(mixed.Where(m => m is not null).Take(2).Select(m => string.Join(' ', m!.PartnerLabels.data<long>().ToArray())).Distinct().Count() == 2);
    }

    private static MemoryImages Samples(int count, int height, int width) =>
        new(NaiveImage.RandomPixels(3 * count, height, width, 1), 3, new ImageSize(height, width), [.. Enumerable.Range(0, count).Select(i => i * 5 % 7)]);
}
