using MambaExt.Graph.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Graph.Layers;

/// <summary>
/// LapPE as in the code of Graph-Mamba (Wang et al., arXiv 2402.00789) and GraphGPS: each pair of a vertex's entry in an eigenvector and its eigenvalue through
/// <c>relu(linear(relu(linear(pair))))</c>, 2 to 2p to p, summed over the k eigenvectors, [V, p]. In training each eigenvector has a random sign.
/// </summary>
internal sealed class LaplacianEncoder : nn.Module<GraphInputs, Tensor>
{
    private readonly Linear first;
    private readonly Linear second;
    private readonly int _count;

    /// <summary>Makes the weights from torch's generator.</summary>
    /// <param name="width">p</param>
    /// <param name="count">k</param>
    public LaplacianEncoder(int width, int count)
        : base(nameof(LaplacianEncoder))
    {
        _count = count;
        first = nn.Linear(2, 2 * width);
        second = nn.Linear(2 * width, width);
        RegisterComponents();
    }

    public override Tensor forward(GraphInputs inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        var (pairs, there) = inputs.LaplacianPairs(_count);                                                         // [V, k, 2], [V, k, 1]
        if (training)
        {
            Tensor sign = randint(0, 2, [_count, 1], pairs.dtype, pairs.device) * 2 - 1;
            pairs = pairs * cat([sign, ones_like(sign)], 1);
        }

        Tensor each = second.forward(first.forward(pairs).relu()).relu() * there;                                   // [V, k, p]
        return each.sum(1L).MoveToOuterDisposeScope();
    }
}
