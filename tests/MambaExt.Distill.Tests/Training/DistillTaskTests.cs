using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Training;

/// <summary>How a data set is cut up, and what names a part of it.</summary>
public sealed class DistillTaskTests
{
    private static readonly ImageDataSet Digits = ImageDataSets.Load("digits");

    [Fact]
    public void Held_out_images_are_not_trained_on_and_not_normalized_by()
    {
        DistillTask task = DistillTask.Prepare(Digits, DistillRecipes.For(Digits));
        Assert.Equal(Digits.Train.Count, task.Train.Count + task.HeldOut.Count);
        Assert.Equal(task.Train.Count, task.Train.Indices.Distinct().Count());
        int[] held = [.. Enumerable.Range(0, Digits.Train.Count).Except(task.Train.Indices)];
        Assert.Equal(held.Select(i => Digits.Train.Labels[i]), task.HeldOut.Labels);
        Assert.Equal(ImageNormalization.Of(Digits.Train, task.Train.Indices.ToArray()).ToString(), task.Normalization.ToString());
        Assert.NotEqual(ImageNormalization.Of(Digits.Train, Enumerable.Range(0, Digits.Train.Count).ToArray()).ToString(), task.Normalization.ToString());
    }

    [Fact]
    public void Another_augmentation_normalization_choice_or_size_has_another_name_and_no_use_for_kept_logits()
    {
        DistillRecipe recipe = DistillRecipes.For(Digits) with { draws = 2 };
        ViewImages images = DistillTask.Prepare(Digits, recipe).Train;
        Assert.Equal(images.Fingerprint, DistillTask.Prepare(Digits, recipe).Train.Fingerprint);
        using DisposeScope scope = NewDisposeScope();
        using var cache = new LogitCache(images);
        cache.Whole(images, 0, Answer);
        foreach (DistillRecipe other in new[]
        {
            recipe with { augmentation = "none" },
            recipe with { augmentation = "shift" },
            recipe with { held_out = 0.3 },
            recipe with { image_size = 12, teacher_options = recipe.teacher_options with { patch = 4 }, students = ["4x8x4x1"] },
        })
        {
            ViewImages others = DistillTask.Prepare(Digits, other).Train;
            Assert.NotEqual(images.Fingerprint, others.Fingerprint);
            Refusal.Of<InvalidOperationException>(() => cache.Rows(others, new[] { 0 }, 0, Answer), "kept logits belong to", "digits");
        }
    }

    [Fact]
    public void What_its_number_of_images_does_not_go_with_is_named_before_the_teacher_is_trained()
    {
        DistillRecipe recipe = DistillRecipes.For(Digits);
        int trained = DistillTask.Prepare(Digits, recipe).Train.Count;
        Refusal.Of<ArgumentException>(
            () => DistillTask.Prepare(Digits, recipe with { distill = recipe.distill with { losses = MambaExt.Distill.Losses.LossTerm.Parse("ce:1,dist:1"), batch_size = trained - 1 } }), "loss dist", $"{trained} images", "one of 1");
    }

    [Fact]
    public void A_share_that_is_too_small_is_told_as_one_of_the_teacher_that_there_is()
    {
        // The residual teacher costs another number of operations than the Mamba teacher that the students are made like.
        DistillRecipe recipe = DistillRecipes.For(Digits) with { teacher = "resnet", resnet = new MambaExt.Vision.ResNetOptions { stem = "cifar", stem_width = 2, blocks = [1], widths = [2], strides = [1] }, students = [], shares = [0.01] };
        Assert.Matches(@"\((1|0\.99\d?) % of the teacher, resnet\)", Assert.Throws<ArgumentException>(() => DistillTask.Prepare(Digits, recipe)).Message);
        Refusal.Of<ArgumentException>(() => DistillTask.Prepare(Digits, recipe with { teacher = "mamba", shares = [0.0001], teacher_options = recipe.teacher_options with { stem_channels = 4 } }), "(0.01 % of the teacher, 2x32x8x2)");
    }

    [Fact]
    public void As_many_other_images_under_the_same_normalization_have_another_name()
    {
        var views = new MambaExt.Vision.Transforms.ImageViews(Digits.Train, new MambaExt.Vision.Transforms.ImagePipeline([], new ImageNormalization([0.5f], [0.5f])));
        string[] names = [.. new[] { new[] { 0, 1, 2 }, [0, 1, 3], [1, 0, 2] }.Select(indices => new ViewImages(views, indices, 10, 1, "digits").Fingerprint)];
        Assert.Equal(3, names.Distinct().Count());
        Assert.Equal(names[0], new ViewImages(views, [0, 1, 2], 10, 1, "digits").Fingerprint);
        Assert.All(names, name => Assert.Contains(views.Fingerprint, name, StringComparison.Ordinal));
    }

    private static Tensor Answer(Tensor images) => images.sum([1L, 2L, 3L]).unsqueeze(1) * arange(10).to_type(ScalarType.Float32);
}
