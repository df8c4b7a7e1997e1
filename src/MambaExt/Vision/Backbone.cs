using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>A convolutional network that turns images [B, 3, H, W] (or other input channels) into maps [B, C, h, w]: no pooling and no classifier at its end.</summary>
/// <param name="name">Of the module</param>
public abstract class Backbone(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>C of the map.</summary>
    public abstract int Channels { get; }

    /// <summary>Channels of the image.</summary>
    public abstract int InputChannels { get; }

    /// <summary>Parameters in all, those of the norms included and their running statistics not.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>C of the map behind each stage, the last of which is <see cref="Channels"/>.</summary>
    public abstract IReadOnlyList<int> StageChannels { get; }

    /// <summary>The map behind each stage, the last of which is what <c>forward</c> gives.</summary>
    /// <param name="images">As for <c>forward</c></param>
    public abstract IReadOnlyList<Tensor> Stages(Tensor images);

    /// <summary>[B, C, H, W] to [B, C, h, w].</summary>
    public override Tensor forward(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        return Stages(images)[^1].MoveToOuterDisposeScope();
    }

    /// <summary>h or w of the map of an image of that height or width.</summary>
    public abstract int MapSize(int imageSize);

    /// <summary>Throws a sentence unless <paramref name="images"/> is [B, input channels, H, W] and no smaller than the network can take.</summary>
    protected void Require(Tensor images)
    {
        long[] s = images.shape;
        if (s.Length != 4 || s[1] != InputChannels || Math.Min(s[2], s[3]) > int.MaxValue || MapSize((int)Math.Min(s[2], s[3])) < 1)
        {
            throw new ArgumentException($"images has shape [{string.Join(", ", s)}], expected [B, {InputChannels}, H, W] large enough for a map of 1 x 1; convert colours or scale the images up.");
        }
    }
}
