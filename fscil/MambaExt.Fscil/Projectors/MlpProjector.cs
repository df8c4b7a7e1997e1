using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Projectors;

/// <summary>The projector of NC-FSCIL (Yang et al., arXiv 2302.03004): an MLP on the mean of the map. It goes on learning in every session; nothing is added.</summary>
public sealed class MlpProjector : Projector
{
    private readonly MapMlp mlp;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public MlpProjector(MapSize map, ProjectorOptions options)
        : base(nameof(MlpProjector))
    {
        mlp = new MapMlp(new MapSize(1, 1, map.Channels), options.Hidden(map.Channels), options.width, options.depth);
        RegisterComponents();
    }

    /// <summary>[B, h, w, C] to [B, d].</summary>
    public override Tensor forward(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        return mlp.forward(map.mean([1L, 2L], keepdim: true)).flatten(1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void BeginIncrements(bool freeze, bool zeroStart)
    {
    }
}
