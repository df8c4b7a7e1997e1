using MambaExt.Vision;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Distill.Students;

/// <summary>A residual network with mean pooling and a linear head: a convolutional teacher.</summary>
public sealed class ResNetClassifier : nn.Module<Tensor, Tensor>
{
    private readonly ResNet backbone;
    private readonly Linear head;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    /// <param name="options">Stages</param>
    /// <param name="classes">K</param>
    public ResNetClassifier(ResNetOptions options, int classes)
        : base(nameof(ResNetClassifier))
    {
        backbone = new ResNet(options);
        head = nn.Linear(backbone.Channels, classes);
        RegisterComponents();
    }

    /// <summary>[B, C, H, W] to logits [B, K].</summary>
    public override Tensor forward(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        return head.call(backbone.call(images).mean([2L, 3L])).MoveToOuterDisposeScope();
    }
}
