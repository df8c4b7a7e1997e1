using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>Three 3 x 3 convolutions with batch norm beside a 1 x 1 one, LeakyReLU 0.1, 2 x 2 maximum.</summary>
internal sealed class ResNet12Block : nn.Module<Tensor, Tensor>
{
    private const double Slope = 0.1;
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly Sequential downsample;
    private readonly double _dropout;

    public ResNet12Block(int inputs, int width, double dropout)
        : base(nameof(ResNet12Block))
    {
        _dropout = dropout;
        conv1 = Convolution(inputs, width, 3);
        bn1 = nn.BatchNorm2d(width);
        conv2 = Convolution(width, width, 3);
        bn2 = nn.BatchNorm2d(width);
        conv3 = Convolution(width, width, 3);
        bn3 = nn.BatchNorm2d(width);
        downsample = nn.Sequential(Convolution(inputs, width, 1), nn.BatchNorm2d(width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = nn.functional.leaky_relu(bn1.forward(conv1.forward(x)), Slope);
        y = nn.functional.leaky_relu(bn2.forward(conv2.forward(y)), Slope);
        y = bn3.forward(conv3.forward(y)) + downsample.forward(x);
        y = nn.functional.max_pool2d(nn.functional.leaky_relu(y, Slope), 2);
        return (training && _dropout > 0 ? nn.functional.dropout(y, _dropout, training) : y).MoveToOuterDisposeScope();
    }

    private static Conv2d Convolution(int inputs, int outputs, int kernel)
    {
        Conv2d made = nn.Conv2d(inputs, outputs, kernel, padding: kernel / 2, bias: false);
        nn.init.kaiming_normal_(made.weight!, Slope, nn.init.FanInOut.FanOut, nn.init.NonlinearityType.LeakyReLU);
        return made;
    }
}
