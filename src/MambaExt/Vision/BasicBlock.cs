using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>Two 3 x 3 convolutions with batch norm beside the identity, or a 1 x 1 convolution where the shape changes.</summary>
internal sealed class BasicBlock : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Sequential? downsample;

    public BasicBlock(int inputs, int width, int stride)
        : base(nameof(BasicBlock))
    {
        conv1 = Convolution(inputs, width, 3, stride);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Convolution(width, width, 3, 1);
        bn2 = nn.BatchNorm2d(width);
        downsample = stride == 1 && inputs == width ? null : nn.Sequential(Convolution(inputs, width, 1, stride), nn.BatchNorm2d(width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = nn.functional.relu(bn1.forward(conv1.forward(x)));
        y = bn2.forward(conv2.forward(y)) + (downsample is null ? x : downsample.forward(x));
        return nn.functional.relu(y).MoveToOuterDisposeScope();
    }

    public static Conv2d Convolution(int inputs, int outputs, int kernel, int stride)
    {
        Conv2d made = nn.Conv2d(inputs, outputs, kernel, stride, padding: kernel / 2, bias: false);
        nn.init.kaiming_normal_(made.weight!, 0, nn.init.FanInOut.FanOut, nn.init.NonlinearityType.ReLU);
        return made;
    }
}
