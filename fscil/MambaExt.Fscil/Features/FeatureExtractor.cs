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
    /// <param name="network">In evaluation mode</param>
    /// <param name="seed">Of the augmented views</param>
    /// <param name="device">Where the network is; maps stay there</param>
    /// <param name="token">Asked after each batch</param>
    public static FscilFeatures Run(FscilData data, FscilRecipe recipe, BaseNetwork network, int seed, Device? device = null, CancellationToken token = default)
    {
        ImageNormalization normalization = data.Normalization;
        int size = recipe.backbone.image_size;
        ImagePipeline plain = Augmentations.Test(recipe.training.augment, size, normalization), varied = Augmentations.Train(recipe.training.augment, size, normalization);
        FscilProtocol protocol = data.Protocol;
        return Collect(
            data, recipe.training.augment == "none" ? 1 : recipe.views,
            (test, view, images) => Maps(network, new ImageViews(test ? data.Test : data.Train, view == 0 ? plain : varied, (ulong)seed), images, view, device, token));
    }

    /// <summary>The images themselves as maps [n, H, W, C], pixel / 255, for the floor that knows nothing else.</summary>
    public static FscilFeatures Pixels(FscilData data, int imageSize, CancellationToken token = default)
    {
        // Images of one size stay as they are.
        ImageTransform[] steps = data.Train.Size is null || data.Test.Size is null ? [new ResizeTo(new ImageSize(imageSize, imageSize))] : [];
        var pipeline = new ImagePipeline(steps);
        return Collect(data, 1, (test, _, images) =>
        {
            using DisposeScope scope = NewDisposeScope();
            var parts = new List<Tensor>();
            foreach (ImageBatch batch in new ImageViews(test ? data.Test : data.Train, pipeline).InOrder(images, token: token))
            {
                parts.Add(batch.Pixels.permute(0, 2, 3, 1).contiguous());
            }

            return cat([.. parts], 0).MoveToOuterDisposeScope();
        });
    }

    /// <summary>Maps of some images, [n, h, w, C].</summary>
    internal static Tensor Maps(BaseNetwork network, ImageViews views, int[] images, int view, Device? device, CancellationToken token)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        network.eval();
        var parts = new List<Tensor>();
        foreach (ImageBatch batch in views.InOrder(images, draw: view, token: token))
        {
            parts.Add(network.Maps(ChannelsLast.Of(batch.Pixels, device)));
        }

        return cat([.. parts], 0).MoveToOuterDisposeScope();
    }

    private static FscilFeatures Collect(FscilData data, int views, Func<bool, int, int[], Tensor> maps)
    {
        using DisposeScope scope = NewDisposeScope();
        FscilProtocol protocol = data.Protocol;
        MapSet[] baseViews = [.. Enumerable.Range(0, views).Select(view => Set(false, view, protocol.Sessions[0].Train))];
        MapSet[] shots = [.. protocol.Sessions.Skip(1).Select(s => Set(false, 0, s.Train))];
        return new FscilFeatures(protocol, baseViews, shots, Set(true, 0, [.. protocol.Sessions.SelectMany(s => s.Test)]));

        MapSet Set(bool test, int view, int[] images) =>
            new(maps(test, view, images).DetachFromDisposeScope(), [.. images.Select(i => test ? data.TestClass(i) : data.TrainClass(i))]);
    }
}
