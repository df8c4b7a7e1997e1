using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>The taps of a causal depthwise convolution under their published names, <c>conv1d.weight</c> [D, 1, W] and <c>conv1d.bias</c> [D].</summary>
internal sealed class DepthwiseTaps : nn.Module<Tensor, Tensor>
{
    public Parameter weight;
    public Parameter? bias;

    public DepthwiseTaps(int channels, int width, bool withBias)
        : base(nameof(DepthwiseTaps))
    {
        double bound = 1 / Math.Sqrt(width);

        // A model may be made inside a dispose scope and outlives it.
        weight = nn.Parameter(empty(channels, 1, width).uniform_(-bound, bound).DetachFromDisposeScope());
        bias = withBias ? nn.Parameter(empty(channels).uniform_(-bound, bound).DetachFromDisposeScope()) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Scan.CausalConv1d.Apply(x, weight, bias);
}
