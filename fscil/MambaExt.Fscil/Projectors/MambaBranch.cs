using MambaExt.Vision;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Projectors;

/// <summary>
/// One branch of Mamba-FSCIL (Li et al., arXiv 2407.06136): an MLP on every position, a learned embedding of positions, a selective scan in four
/// directions, and the mean over positions, [B, h, w, C] to [B, d].
/// </summary>
public sealed class MambaBranch : nn.Module<Tensor, Tensor>
{
    private readonly MapMlp mlp;
    private readonly Parameter pos_embed;
    private readonly MapScan scan;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    /// <param name="map">Of the backbone</param>
    /// <param name="options">Sizes</param>
    /// <param name="depth">Linear maps of the MLP</param>
    public MambaBranch(MapSize map, ProjectorOptions options, int depth)
        : base(nameof(MambaBranch))
    {
        mlp = new MapMlp(map, options.Hidden(map.Channels), options.width, depth);
        pos_embed = nn.Parameter(empty(1, map.Height, map.Width, options.width).DetachFromDisposeScope());
        nn.init.trunc_normal_(pos_embed, 0, 0.02, -2, 2);
        scan = options.branch == "ss2d" ? new Ss2d(options.Scan(map)) : new Ssm2d(options.Scan(map));
        RegisterComponents();
    }

    /// <summary>Parameters in all.</summary>
    public long ParameterCount => parameters().Sum(p => p.numel());

    /// <summary>[B, h, w, C] to [B, d].</summary>
    public override Tensor forward(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        return ForwardWithSignals(map).Out.MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="forward"/>, with what steered the scan.</summary>
    public (Tensor Out, Scan2dSignals Signals) ForwardWithSignals(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        var (y, signals) = scan.ForwardWithSignals(mlp.forward(map) + pos_embed);
        return (y.mean([1L, 2L]).MoveToOuterDisposeScope(),
            new Scan2dSignals(signals.dt_low.MoveToOuterDisposeScope(), signals.B.MoveToOuterDisposeScope(), signals.C.MoveToOuterDisposeScope(), signals.z.MoveToOuterDisposeScope()));
    }

    /// <summary>Sets the gate rows of the scan to zero, so that the branch gives exactly zero; see <see cref="MapScan.ZeroGate"/>.</summary>
    public void ZeroGate() => scan.ZeroGate();
}
