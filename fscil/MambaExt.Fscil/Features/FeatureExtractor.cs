using MambaExt.Data.Images;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>Maps of all images of a protocol by a trained backbone.</summary>
public static class FeatureExtractor
{
    /// <summary>Extracts.</summary>
    /// <param name="data">Images and sessions</param>
    /// <param name="recipe">How images are prepared, and how many views there are</param>
    /// <param name="network">On whatever device; maps stay there</param>
    /// <param name="seed">Of the augmented views</param>
    /// <param name="token">Asked after each batch</param>
    public static FscilFeatures Run(FscilData data, FscilRecipe recipe, BaseNetwork network, int seed, CancellationToken token = default)
    {
        ImageNormalization normalization = Augmentations.Normalization(recipe.training.normalization, data);
        int size = recipe.backbone.image_size;
        ImagePipeline plain = Augmentations.Test(recipe.training.augment, size, normalization), varied = Augmentations.Train(recipe.training.augment, size, normalization);
        FscilProtocol protocol = data.Protocol;
        return Collect(
            data, recipe.training.augment == "none" ? 1 : recipe.views,
            network.Size,
            (test, view, images) => Encode(network, new ImageViews(test ? data.Test : data.Train, view == 0 ? plain : varied, (ulong)seed), images, view, token));
    }

    /// <summary>The images themselves as maps [n, H, W, C], pixel / 255, for the floor that knows nothing else.</summary>
    public static FscilFeatures Pixels(FscilData data, int imageSize, CancellationToken token = default)
    {
        // Images of one size stay as they are.
        ImageTransform[] steps = data.Train.Size is null || data.Test.Size is null ? [new ResizeTo(new ImageSize(imageSize, imageSize))] : [];
        var pipeline = new ImagePipeline(steps);
        return Collect(data, 1, null, (test, _, images) =>
        {
            using DisposeScope scope = NewDisposeScope();
            var parts = new List<Tensor>();
            foreach (ImageBatch batch in new ImageViews(test ? data.Test : data.Train, pipeline).InOrder(images, token: token))
            {
                parts.Add(batch.Pixels.permute(0, 2, 3, 1).contiguous());
            }

            Tensor all = cat([.. parts], 0);
            return new ImageFeatures(all.MoveToOuterDisposeScope(), all.mean([1L, 2L]).MoveToOuterDisposeScope());
        });
    }

    /// <summary>What the network says of some images.</summary>
    internal static ImageFeatures Encode(BaseNetwork network, ImageViews views, int[] images, int view, CancellationToken token)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        network.eval();
        var parts = new List<ImageFeatures>();
        foreach (ImageBatch batch in views.InOrder(images, draw: view, token: token))
        {
            parts.Add(network.Encode(ChannelsLast.Of(batch.Pixels, network)));
        }

        return new ImageFeatures(cat([.. parts.Select(p => p.Maps)], 0).MoveToOuterDisposeScope(), cat([.. parts.Select(p => p.Levels)], 0).MoveToOuterDisposeScope());
    }

    private static FscilFeatures Collect(FscilData data, int views, FeatureSize? size, Func<bool, int, int[], ImageFeatures> encode)
    {
        using DisposeScope scope = NewDisposeScope();
        FscilProtocol protocol = data.Protocol;
        MapSet[] baseViews = [.. Enumerable.Range(0, views).Select(view => Set(false, view, protocol.Sessions[0].Train))];
        MapSet[] shots = [.. protocol.Sessions.Skip(1).Select(s => Set(false, 0, s.Train))];
        return new FscilFeatures(protocol, baseViews, shots, Set(true, 0, [.. protocol.Sessions.SelectMany(s => s.Test)]), size);

        MapSet Set(bool test, int view, int[] images)
        {
            ImageFeatures made = encode(test, view, images);
            return new MapSet(made.Maps.DetachFromDisposeScope(), made.Levels.DetachFromDisposeScope(), [.. images.Select(i => test ? data.TestClass(i) : data.TrainClass(i))]);
        }
    }
}
