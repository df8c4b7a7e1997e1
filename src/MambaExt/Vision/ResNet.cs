using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>
/// A residual network of basic blocks (He et al., "Deep Residual Learning", arXiv 1512.03385) under torchvision's names: ResNet-18, ResNet-20 of any
/// width, and smaller ones, by their <see cref="ResNetOptions"/>.
/// </summary>
public sealed class ResNet : Backbone
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Sequential[] _stages;

    /// <summary>Makes and initializes the parameters from torch's generator: Kaiming normal by fan-out.</summary>
    public ResNet(ResNetOptions options)
        : base(nameof(ResNet))
    {
        options.Validate();
        Options = options;
        bool large = options.stem == "imagenet";
        conv1 = BasicBlock.Convolution(options.input_channels, options.stem_width, large ? 7 : 3, large ? 2 : 1);
        bn1 = nn.BatchNorm2d(options.stem_width);
        RegisterComponents();
        _stages = [.. Enumerable.Range(0, options.blocks.Length).Select(Stage)];
        for (int i = 0; i < _stages.Length; i++)
        {
            register_module($"layer{i + 1}", _stages[i]);
        }
    }

    /// <summary>The stages.</summary>
    public ResNetOptions Options { get; }

    /// <inheritdoc/>
    public override int Channels => Options.widths[^1];

    /// <inheritdoc/>
    public override int InputChannels => Options.input_channels;

    /// <inheritdoc/>
    public override int MapSize(int imageSize)
    {
        int halvings = Options.strides.Count(s => s == 2) + (Options.stem == "imagenet" ? 2 : 0);
        for (int i = 0; i < halvings; i++)
        {
            imageSize = (imageSize + 1) / 2;
        }

        return imageSize;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<int> StageChannels => Options.widths;

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Stages(Tensor images)
    {
        Require(images);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = nn.functional.relu(bn1.forward(conv1.forward(images)));
        if (Options.stem == "imagenet")
        {
            x = nn.functional.max_pool2d(x, 3, 2, 1);
        }

        var maps = new List<Tensor>();
        foreach (Sequential stage in _stages)
        {
            maps.Add(stage.forward(maps.Count == 0 ? x : maps[^1]));
        }

        return [.. maps.Select(m => m.MoveToOuterDisposeScope())];
    }

    private Sequential Stage(int index)
    {
        int inputs = index == 0 ? Options.stem_width : Options.widths[index - 1], width = Options.widths[index];
        return nn.Sequential(Enumerable.Range(0, Options.blocks[index])
            .Select(i => (nn.Module<Tensor, Tensor>)new BasicBlock(i == 0 ? inputs : width, width, i == 0 ? Options.strides[index] : 1)));
    }
}
