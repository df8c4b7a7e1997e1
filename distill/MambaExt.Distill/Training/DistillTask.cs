using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Vision.Transforms;

namespace MambaExt.Distill.Training;

/// <summary>A data set cut up for distillation: what is trained on, what is held out of the training images, and the test images, which are read once a seed.</summary>
public sealed class DistillTask
{
    private const ulong SplitSeed = 0;

    private DistillTask(ImageDataSet data, ImageNormalization normalization, ViewImages train, HeldOut heldOut, HeldOut test, DistillRecipe recipe)
    {
        (Data, Normalization, Train, HeldOut, Test, Recipe) = (data, normalization, train, heldOut, test, recipe);
    }

    /// <summary>The data set.</summary>
    public ImageDataSet Data { get; }

    /// <summary>Of the images that are trained on.</summary>
    public ImageNormalization Normalization { get; }

    /// <summary>Trained on.</summary>
    public ViewImages Train { get; }

    /// <summary>Names the images that are trained on: a hash of their numbers.</summary>
    public string TrainedImages => ViewImages.HashOf([.. Train.Indices]);

    /// <summary>Held out of the training images.</summary>
    public HeldOut HeldOut { get; }

    /// <summary>The test images.</summary>
    public HeldOut Test { get; }

    /// <summary>With the sizes of these images.</summary>
    public DistillRecipe Recipe { get; }

    /// <summary>Cuts a data set up. Each class gives the same share to the held-out part, whatever the seed of a training.</summary>
    /// <param name="data">Train and test images of one size</param>
    /// <param name="recipe">Whose sizes of images and classes are replaced by the data set's</param>
    /// <exception cref="ArgumentException">The data set has images of different sizes, or is too small to hold anything out.</exception>
    public static DistillTask Prepare(ImageDataSet data, DistillRecipe recipe)
    {
        ImageSize size = recipe.image_size > 0 ? new ImageSize(recipe.image_size, recipe.image_size)
            : data.Size ?? throw new ArgumentException($"The images of {data.Name} have sizes of their own and a student takes one; give image_size.");
        ImageTransform[] first = size == data.Size ? [] : [new ResizeTo(size)];

        recipe = recipe with
        {
            teacher_options = recipe.teacher_options with { channels = data.Channels, height = size.Height, width = size.Width, classes = data.ClassCount },
        };
        recipe.teacher_options.Validate();
        recipe = recipe with { resnet = recipe.teacher == "resnet" ? recipe.Residual : recipe.resnet };
        recipe.Validate();
        List<int> held = [], trained = [];
        foreach (int[] one in data.Train.ByClass(data.ClassCount))
        {
            int[] order = RandomPermutation.Of(one.Length, SplitSeed, RandomStream.Splits);
            int count = (int)Math.Round(one.Length * recipe.held_out);
            held.AddRange(order.Take(count).Select(i => one[i]));
            trained.AddRange(order.Skip(count).Select(i => one[i]));
        }

        if (held.Count == 0 || trained.Count == 0)
        {
            throw new ArgumentException(FormattableString.Invariant($"A share of {recipe.held_out} of the {data.Train.Count} training images of {data.Name} leaves {trained.Count} to train on and holds out {held.Count}; give a share that leaves some of both."));
        }

        recipe.distill.ValidateFor(trained.Count);
        held.Sort();
        trained.Sort();
        ImageNormalization normalization = ImageNormalization.Of(data.Train, trained.ToArray());
        string name = $"{data.Name} {string.Join(' ', data.Files.Select(f => f.Sha256))}";
        var views = new ImageViews(data.Train, new ImagePipeline([.. first, .. Augmentation.Steps(recipe.augmentation)], normalization));
        var plain = new ImagePipeline(first, normalization);
        return new DistillTask(
            data, normalization, new ViewImages(views, [.. trained], data.ClassCount, recipe.draws, name), Plain(data.Train, [.. held], plain),
            Plain(data.Test, [.. Enumerable.Range(0, data.Test.Count)], plain), recipe);
    }

    private static HeldOut Plain(ImageSamples samples, int[] indices, ImagePipeline pipeline)
    {
        var views = new ImageViews(samples, pipeline);
        return new HeldOut(chosen => views.Batch(Array.ConvertAll(chosen.ToArray(), i => indices[i])).Pixels, [.. indices.Select(i => samples.Labels[i])]);
    }
}
