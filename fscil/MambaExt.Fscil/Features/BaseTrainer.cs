using MambaExt.Data.Images;
using MambaExt.Fscil.Losses;
using MambaExt.Fscil.Recipes;
using MambaExt.Training;
using MambaExt.Vision.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>Trains the backbone on the base classes.</summary>
public static class BaseTrainer
{
    /// <summary>Trains; the network is in evaluation mode then, with the weights of the chosen epoch.</summary>
    /// <param name="data">Images and sessions</param>
    /// <param name="recipe">Backbone and training</param>
    /// <param name="maxClasses">Columns of a simplex</param>
    /// <param name="seed">Of weights, orders and augmentation</param>
    /// <param name="host">Progress and checkpoints</param>
    /// <param name="device">Where it is trained; the CPU unless given</param>
    /// <param name="token">Asked after each step</param>
    public static (BaseNetwork Network, TrainingOutcome Outcome) Run(
        FscilData data, FscilRecipe recipe, int maxClasses, int seed, ITrainingHost host, Device? device = null, CancellationToken token = default)
    {
        BaseTraining how = recipe.training;
        manual_seed(seed);
        var network = new BaseNetwork(recipe, data.Protocol.BaseClasses, maxClasses);
        try
        {
            network.to(device ?? CPU);
            (int[] train, int[] validation) = Split(data, how, seed);
            ImageNormalization normalization = Augmentations.Normalization(how.normalization, data);
            int size = recipe.backbone.image_size;
            var views = new ImageViews(
                data.Train, Augmentations.Train(how.augment, size, normalization), (ulong)seed,
                how.mixup + how.cutmix > 0 ? new ImageMixing(how.mixup, how.mixup_alpha, how.cutmix, how.cutmix_alpha) : null, train);
            ImagePipeline plain = Augmentations.Test(how.augment, size, normalization);
            Tensor classes = Classes(data, device);
            using DisposeScope scope = NewDisposeScope();
            IBatches<ImageBatch> batches = views.Shuffled(train, how.batch_size, (ulong)seed, dropLast: train.Length >= how.batch_size);
            var task = new TrainingTask<ImageBatch>
            {
                Model = network,
                Batches = batches,
                Schedule = how.Schedule(((batches.Count - 1) / how.accumulate) + 1),
                Loss = batch => Loss(network, batch, how, classes, device),
                RateOf = how.backbone_share == 1 ? null : name => name.StartsWith("backbone.", StringComparison.Ordinal) ? how.backbone_share : 1,
                Validate = how.choose switch
                {
                    "last" => null,
                    "test" => () => Score(network, new ImageViews(data.Test, plain), data.Protocol.Sessions[0].Test, classes, device, token),
                    _ => () => Score(network, new ImageViews(data.Train, plain), validation, classes, device, token),
                },
                Describe = batch => $"{batch.Count} images, seed {seed}",
            };
            Tensor? columns = network.Etf?.Columns.clone();
            TrainingOutcome outcome = Trainer.Run(task, how, host, token: token);
            classes.Dispose();

            // Trained in bfloat16, it goes on in float32; the simplex, which nothing trains, as it was drawn.
            network.to(ScalarType.Float32);
            if (columns is not null)
            {
                network.Etf!.Columns.copy_(columns);
            }

            return (network, outcome);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The base training images that are trained on, and those that are kept to choose by: the same part of each class.</summary>
    public static (int[] Train, int[] Validation) Split(FscilData data, BaseTraining how, int seed)
    {
        int[] all = data.Protocol.Sessions[0].Train;
        if (how.choose != "validation")
        {
            return (all, []);
        }

        List<int> train = [], validation = [];
        foreach (IGrouping<int, int> group in all.GroupBy(data.TrainClass))
        {
            int[] images = [.. group];
            int kept = Math.Clamp((int)Math.Round(images.Length * how.validation), images.Length > 1 ? 1 : 0, images.Length - 1);
            int[] order = RandomPermutation.Of(images.Length, (ulong)seed, RandomStream.Splits, (1 << 20) + group.Key);
            validation.AddRange(order[..kept].Select(i => images[i]));
            train.AddRange(order[kept..].Select(i => images[i]));
        }

        return ([.. train.Order()], [.. validation.Order()]);
    }

    internal static Tensor Loss(BaseNetwork network, ImageBatch batch, BaseTraining how, Tensor classes, Device? device)
    {
        network.HoldStem();
        Tensor images = ChannelsLast.Of(batch.Pixels, network);
        Tensor labels = classes.index_select(0, On(batch.Labels)), partners = batch.PartnerLabels is { } p ? classes.index_select(0, On(p)) : labels;
        Tensor? weights = batch.Weights is { } w ? On(w) : null;
        if (network.Etf is not { } etf)
        {
            Tensor logs = nn.functional.log_softmax(network.forward(images).to_type(ScalarType.Float32), 1);
            Tensor own = -logs.gather(1, labels.unsqueeze(1)).squeeze(1), loss = own;
            if (weights is not null)
            {
                loss = (own * weights) - (logs.gather(1, partners.unsqueeze(1)).squeeze(1) * (1 - weights));
            }

            return (loss.mean() * (1 - how.label_smoothing)) - (logs.mean() * how.label_smoothing);
        }

        Tensor features = network.Features(images).to_type(ScalarType.Float32);
        if (weights is null)
        {
            return DotRegression.Loss(features, etf.Of(labels), labels, how.balanced);
        }

        Tensor mixed = DotRegression.Loss(features, etf.Of(labels), labels, how.balanced, weights) + DotRegression.Loss(features, etf.Of(partners), partners, how.balanced, 1 - weights);

        // Images that were not mixed have the whole of their loss already.
        return how.mixed_extra_term ? mixed + DotRegression.Loss(features, etf.Of(labels), labels, how.balanced, (weights < 1).to_type(ScalarType.Float32)) : mixed;

        Tensor On(Tensor t) => device is null ? t : t.to(device);
    }

    private static Validation Score(BaseNetwork network, ImageViews views, int[] images, Tensor classes, Device? device, CancellationToken token)
    {
        double right = 0, loss = 0;
        foreach (ImageBatch batch in views.InOrder(images, token: token))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor labels = classes.index_select(0, device is null ? batch.Labels : batch.Labels.to(device)), scores = network.forward(ChannelsLast.Of(batch.Pixels, network)).to_type(ScalarType.Float32);
            right += (scores.argmax(1) == labels).sum().item<long>();
            loss += nn.functional.cross_entropy(scores, labels, reduction: nn.Reduction.Sum).item<float>();
        }

        return new Validation(right / images.Length, loss / images.Length);
    }

    /// <summary>Class of each label, int64.</summary>
    private static Tensor Classes(FscilData data, Device? device)
    {
        Tensor classes = tensor(Enumerable.Range(0, data.Labels.Count).Select(label => (long)Math.Max(0, data.Protocol.ClassOf(label))).ToArray());
        return (device is null ? classes : classes.to(device)).DetachFromDisposeScope();
    }
}
