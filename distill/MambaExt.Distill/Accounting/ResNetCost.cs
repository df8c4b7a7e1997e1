using MambaExt.Vision;

namespace MambaExt.Distill.Accounting;

/// <summary>Floating-point operations of a residual network of basic blocks with mean pooling and a linear head: convolutions and head, a multiply-add being two;
/// batch norms, which can be folded into the convolutions, additions and activations are not counted.</summary>
public static class ResNetCost
{
    /// <summary>Convolutions and head by name.</summary>
    /// <param name="options">Stages, for small images (stem "cifar")</param>
    /// <param name="height">H</param>
    /// <param name="width">W</param>
    /// <param name="classes">K</param>
    public static IReadOnlyList<LayerCost> Layers(ResNetOptions options, int height, int width, int classes)
    {
        options.Validate();
        bool large = options.stem == "imagenet";
        List<LayerCost> layers = [];
        (int h, int w) = large ? (Half(height), Half(width)) : (height, width);
        layers.Add(Convolution("conv1", options.input_channels, options.stem_width, large ? 7 : 3, h, w));
        (h, w) = large ? (Half(h), Half(w)) : (h, w);
        int inputs = options.stem_width;
        for (int stage = 0; stage < options.blocks.Length; stage++)
        {
            int outputs = options.widths[stage];
            for (int block = 0; block < options.blocks[stage]; block++)
            {
                int stride = block == 0 ? options.strides[stage] : 1;
                (h, w) = stride == 2 ? (Half(h), Half(w)) : (h, w);
                LayerCost sum = Convolution("", inputs, outputs, 3, h, w) + Convolution("", outputs, outputs, 3, h, w);
                sum = stride == 1 && inputs == outputs ? sum : sum + Convolution("", inputs, outputs, 1, h, w);
                layers.Add(sum with { name = $"layer{stage + 1}.{block}" });
                inputs = outputs;
            }
        }

        layers.Add(new LayerCost("head", ((long)inputs * classes) + classes, 2L * inputs * classes, (long)inputs * classes));
        return layers;
    }

    /// <summary>The whole network.</summary>
    /// <inheritdoc cref="Layers"/>
    public static LayerCost Total(ResNetOptions options, int height, int width, int classes) =>
        Layers(options, height, width, classes).Aggregate((sum, layer) => sum + layer) with { name = "resnet" };

    private static int Half(int size) => (size + 1) / 2;

    /// <summary>With the weight and bias of its batch norm.</summary>
    private static LayerCost Convolution(string name, long inputs, long outputs, long kernel, long height, long width)
    {
        long weights = inputs * outputs * kernel * kernel;
        return new LayerCost(name, weights + (2 * outputs), 2 * weights * height * width, weights * height * width);
    }
}
