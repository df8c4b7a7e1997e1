using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>
/// The ResNet-12 of few-shot learning (Lee et al., "MetaOptNet", arXiv 1904.03758; widths 64, 160, 320, 640): four blocks, each halving the map.
/// 84 x 84 gives 640 x 5 x 5, 32 x 32 gives 640 x 2 x 2. 12,424,320 parameters with three input channels.
/// </summary>
public sealed class ResNet12 : Backbone
{
    private static readonly int[] Widths = [64, 160, 320, 640];
    private readonly ResNet12Block layer1;
    private readonly ResNet12Block layer2;
    private readonly ResNet12Block layer3;
    private readonly ResNet12Block layer4;

    /// <summary>Makes and initializes the parameters from torch's generator: Kaiming normal by fan-out for the slope of LeakyReLU.</summary>
    /// <param name="inputChannels">Of the images</param>
    /// <param name="dropout">Of whole elements behind each block, in training</param>
    public ResNet12(int inputChannels = 3, double dropout = 0)
        : base(nameof(ResNet12))
    {
        if (inputChannels < 1 || !(dropout is >= 0 and < 1))
        {
            throw new ArgumentException(FormattableString.Invariant($"ResNet-12 was asked for {inputChannels} input channels and dropout {dropout}; give 1 channel or more and a dropout of 0 up to, not with, 1."));
        }

        InputChannels = inputChannels;
        layer1 = new ResNet12Block(inputChannels, Widths[0], dropout);
        layer2 = new ResNet12Block(Widths[0], Widths[1], dropout);
        layer3 = new ResNet12Block(Widths[1], Widths[2], dropout);
        layer4 = new ResNet12Block(Widths[2], Widths[3], dropout);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override int Channels => Widths[^1];

    /// <inheritdoc/>
    public override int InputChannels { get; }

    /// <inheritdoc/>
    public override int MapSize(int imageSize) => imageSize >> Widths.Length;

    /// <inheritdoc/>
    public override IReadOnlyList<int> StageChannels => Widths;

    /// <summary>[B, 3, H, W] to [B, 64, H / 2, W / 2], ..., [B, 640, H / 16, W / 16], rounded down.</summary>
    public override IReadOnlyList<Tensor> Stages(Tensor images)
    {
        Require(images);
        using DisposeScope scope = NewDisposeScope();
        var maps = new List<Tensor>();
        foreach (ResNet12Block layer in new[] { layer1, layer2, layer3, layer4 })
        {
            maps.Add(layer.forward(maps.Count == 0 ? images : maps[^1]));
        }

        return [.. maps.Select(m => m.MoveToOuterDisposeScope())];
    }
}
