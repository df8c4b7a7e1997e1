using MambaExt.Vision;

namespace MambaExt.Fscil.Recipes;

/// <summary>Which backbone, and what enters it.</summary>
public sealed record BackboneOptions
{
    /// <summary>resnet12, resnet18, resnet20 or small.</summary>
    public string name { get; init; } = "small";

    /// <summary>Width of the first stage of resnet20 and small; 0 for 16 and 32.</summary>
    public int width { get; init; }

    /// <summary>Height and width of the images that enter.</summary>
    public int image_size { get; init; } = 32;

    /// <summary>Channels of the images.</summary>
    public int channels { get; init; } = 3;

    /// <summary>Side of the map that later stages work on: the backbone's is averaged down to it; 0 for as it is.</summary>
    public int map_size { get; init; }

    /// <summary>Stages of the backbone, from 1, whose maps class means are also taken of; their last one alone where there are none.</summary>
    public int[] levels { get; init; } = [];

    /// <summary>Side of the grid that each of these maps is averaged down to before its cells are put side by side, a number a level.</summary>
    public int[] level_grids { get; init; } = [];

    /// <summary>A safetensors file with torchvision's names to begin from; null for none. Only for resnet18.</summary>
    public string? weights { get; init; }

    /// <summary>The first convolution and the first stage stay as <see cref="weights"/> have them.</summary>
    public bool freeze_stem { get; init; }

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        if (name is not ("resnet12" or "resnet18" or "resnet20" or "small"))
        {
            yield return $"backbone is '{name}'; give resnet12, resnet18, resnet20 or small.";
        }
        else if (width is < 0 or > 4096 || image_size is < 4 or > 1024 || channels is < 1 or > 64 || map_size < 0)
        {
            yield return $"backbone width, image_size, channels and map_size are {width}, {image_size}, {channels} and {map_size}; give 0 to 4096, 4 to 1024, 1 to 64, and 0 (as it is) or more.";
        }
        else if (levels.Length != level_grids.Length || levels.Any(l => l is < 1 or > 8) || level_grids.Any(g => g is < 1 or > 32))
        {
            yield return $"levels and level_grids have {levels.Length} and {level_grids.Length} numbers; give as many of both, stages from 1 and sides of 1 to 32.";
        }
        else if (weights is not null && name != "resnet18")
        {
            yield return $"weights were given for {name}; torchvision's fit resnet18.";
        }
        else if (freeze_stem && weights is null)
        {
            yield return "freeze_stem keeps the first stage as it begins, and no weights were given to begin from; give torchvision's by backbone.weights=FILE, or train it from scratch by backbone.freeze_stem=false.";
        }
    }

    /// <summary>The network, with weights from torch's generator.</summary>
    public Backbone Create() => name switch
    {
        "resnet12" => new ResNet12(channels),
        "resnet18" => new ResNet(ResNetOptions.ResNet18 with { input_channels = channels }),
        "resnet20" => new ResNet(ResNetOptions.ResNet20(width > 0 ? width : 16) with { input_channels = channels }),
        _ => new ResNet(Small(width > 0 ? width : 32)),
    };

    private ResNetOptions Small(int first) => ResNetOptions.Small with
    {
        // Images of few pixels are not halved before the second block.
        input_channels = channels,
        stem_width = first,
        widths = [first, 2 * first, 4 * first, 8 * first],
        strides = image_size <= 16 ? [1, 2, 1, 2] : [2, 2, 1, 2],
    };
}
