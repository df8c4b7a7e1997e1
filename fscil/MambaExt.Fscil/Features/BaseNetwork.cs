using MambaExt.Fscil.Classifiers;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Vision;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Features;

/// <summary>The backbone with the head that it learns the base classes under.</summary>
public sealed class BaseNetwork : nn.Module<Tensor, Tensor>
{
    private readonly Backbone backbone;
    private readonly Parameter? head;
    private readonly Projector? projector;
    private readonly SimplexEtf? etf;
    private readonly FscilRecipe _recipe;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    /// <param name="recipe">Which backbone and head</param>
    /// <param name="baseClasses">Classes of a cosine head</param>
    /// <param name="maxClasses">Columns of a simplex</param>
    public BaseNetwork(FscilRecipe recipe, int baseClasses, int maxClasses)
        : base(nameof(BaseNetwork))
    {
        (_recipe, BaseClasses) = (recipe, baseClasses);
        backbone = recipe.backbone.Create();
        int size = backbone.MapSize(recipe.backbone.image_size), side = recipe.backbone.map_size is > 0 and var given ? Math.Min(given, size) : size;
        if (size < 1)
        {
            throw new ArgumentException($"{recipe.backbone.name} makes no map of images of {recipe.backbone.image_size} pixels; give larger images or a smaller network.");
        }

        if (recipe.backbone.levels.Any(level => level > backbone.StageChannels.Count))
        {
            throw new ArgumentException($"levels names stage {recipe.backbone.levels.Max()} and {recipe.backbone.name} has {backbone.StageChannels.Count}; give stages that there are.");
        }

        Size = new FeatureSize(new MapSize(side, side, backbone.Channels), recipe.backbone.levels.Length == 0
            ? [backbone.Channels]
            : [.. recipe.backbone.levels.Zip(recipe.backbone.level_grids, (level, grid) => backbone.StageChannels[level - 1] * grid * grid)]);
        if (recipe.training.head == "cosine")
        {
            head = new Parameter(randn(baseClasses, backbone.Channels).mul_(0.01).DetachFromDisposeScope());
        }
        else
        {
            projector = recipe.training.head == "mamba" ? new MambaProjector(Map, recipe.projector) : new MlpProjector(Map, recipe.projector);
            etf = new SimplexEtf(recipe.projector.width, maxClasses);
        }

        RegisterComponents();
        if (recipe.backbone.weights is { } path)
        {
            TorchvisionWeights.LoadInto((ResNet)backbone, path);
        }

        if (recipe.backbone.freeze_stem)
        {
            foreach (var (name, parameter) in backbone.named_parameters().Where(p => IsStem(p.name)))
            {
                parameter.requires_grad = false;
            }
        }
    }

    /// <summary>What later stages work on.</summary>
    public FeatureSize Size { get; }

    /// <summary>Size of the maps that later stages work on.</summary>
    public MapSize Map => Size.Map;

    /// <summary>Classes of the base session.</summary>
    public int BaseClasses { get; }

    /// <summary>The backbone.</summary>
    public Backbone Backbone => backbone;

    /// <summary>The projector that was trained with the backbone; null under a cosine head.</summary>
    public Projector? Projector => projector;

    /// <summary>Its simplex.</summary>
    public SimplexEtf? Etf => etf;

    /// <summary>Maps of images, [B, C, H, W] to [B, h, w, C].</summary>
    public Tensor Maps(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        return Last(backbone.forward(images)).MoveToOuterDisposeScope();
    }

    /// <summary>Everything that later stages work on; where the recipe says <see cref="FscilRecipe.mirror"/>, the mean of that and of what is seen in a mirror.</summary>
    /// <param name="images">[B, C, H, W]</param>
    public ImageFeatures Encode(Tensor images)
    {
        if (!_recipe.mirror)
        {
            return EncodeAsTheyAre(images);
        }

        using DisposeScope scope = NewDisposeScope();
        ImageFeatures one = EncodeAsTheyAre(images), other = EncodeAsTheyAre(images.flip(3));
        return new ImageFeatures(((one.Maps + other.Maps) / 2).MoveToOuterDisposeScope(), ((one.Levels + other.Levels) / 2).MoveToOuterDisposeScope());
    }

    private ImageFeatures EncodeAsTheyAre(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        IReadOnlyList<Tensor> stages = backbone.Stages(images);
        Tensor[] levels = [.. _recipe.backbone.levels.Zip(_recipe.backbone.level_grids, (level, grid) => nn.functional.adaptive_avg_pool2d(stages[level - 1], [grid, grid]).flatten(1))];
        Tensor maps = Last(stages[^1]);
        return new ImageFeatures(maps.MoveToOuterDisposeScope(), (levels.Length == 0 ? maps.mean([1L, 2L]) : cat(levels, 1)).MoveToOuterDisposeScope());
    }

    /// <summary>The vector that a simplex scores, or the normalized mean of the map, [B, d].</summary>
    public Tensor Features(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor maps = Maps(images);
        return (projector is null ? nn.functional.normalize(maps.mean([1L, 2L]), dim: 1) : projector.forward(maps)).MoveToOuterDisposeScope();
    }

    /// <summary>Scores of the base classes, [B, base classes]: scaled cosines under a cosine head, cosines under a simplex.</summary>
    public override Tensor forward(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor features = Features(images);
        Tensor scores = head is null
            ? etf!.forward(features).narrow(1, 0, BaseClasses)
            : features.matmul(nn.functional.normalize(head, dim: 1).t()) * _recipe.training.scale;
        return scores.MoveToOuterDisposeScope();
    }

    /// <summary>Keeps the norms of a frozen stem at their statistics, behind <c>train()</c>.</summary>
    public void HoldStem()
    {
        if (_recipe.backbone.freeze_stem)
        {
            foreach (var (name, module) in backbone.named_children())
            {
                if (IsStem(name + "."))
                {
                    module.eval();
                }
            }
        }
    }

    /// <summary>[B, C, H, W] to [B, h, w, C] of the wanted size.</summary>
    private Tensor Last(Tensor map) =>
        (map.shape[2] == Map.Height ? map : nn.functional.adaptive_avg_pool2d(map, [Map.Height, Map.Width])).permute(0, 2, 3, 1).contiguous();

    private static bool IsStem(string name) => name.Split('.')[0] is "conv1" or "bn1" or "layer1";
}
