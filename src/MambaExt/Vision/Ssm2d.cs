using MambaExt.Blocks;
using MambaExt.Scan;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>
/// The 1-D Mamba mixer (Gu and Dao, arXiv 2312.00752) run over a map in four directions with the same weights, as the branches of Mamba-FSCIL
/// (Li et al., arXiv 2407.06136) on miniImageNet and CIFAR-100 use it:
/// <code>
/// x, z    = in_proj(map)                                  [B, L, d] each
/// for each order: x' = silu(conv1d(x)), dt|B|C = x_proj(x')
///                 y  = scan(x', dt_proj(dt), -exp(A_log), B, C, D) silu(z)
/// out     = sum over the orders of y, back in row-major order
/// </code>
/// The four directions are one batch of 4 B sequences.
/// </summary>
public sealed class Ssm2d : MapScan
{
    private readonly Linear in_proj;
    private readonly DepthwiseTaps conv1d;
    private readonly Linear x_proj;
    private readonly Linear dt_proj;
    private readonly Parameter A_log;
    private readonly Parameter D;
    private readonly ScanOrders _orders;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public Ssm2d(Scan2dOptions options)
        : base(nameof(Ssm2d), options)
    {
        options.Validate();
        int d = options.d_model, rank = options.Rank;
        _orders = new ScanOrders(options);
        in_proj = nn.Linear(d, 2 * d, hasBias: false);
        conv1d = new DepthwiseTaps(d, 4, withBias: true);
        x_proj = nn.Linear(d, rank + (2 * options.d_state), hasBias: false);
        dt_proj = nn.Linear(rank, d);
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            double bound = 1 / Math.Sqrt(rank);
            dt_proj.weight.uniform_(-bound, bound);
            dt_proj.bias!.copy_(StepInitialization.Bias(options, d));
            A_log = nn.Parameter(StepInitialization.ALog(options, d).DetachFromDisposeScope());
        }

        D = nn.Parameter(ones(d).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override Tensor InProjection => in_proj.weight!;

    /// <inheritdoc/>
    public override (Tensor Out, Scan2dSignals Signals) ForwardWithSignals(Tensor map)
    {
        Require(map);
        using DisposeScope scope = NewDisposeScope();
        long batch = map.shape[0], d = Options.d_model, length = Options.Length, states = Options.d_state;
        Tensor[] halves = in_proj.forward(map.reshape(batch, length, d)).split(d, dim: 2);
        Tensor x = Directions(halves[0]), z = Directions(halves[1]);                                         // [4 B, L, d]
        Tensor u = CausalConv1d.Apply(x, conv1d.weight, conv1d.bias, silu: true);
        Tensor[] parts = x_proj.forward(u).split([Options.Rank, states, states], dim: 2);
        Tensor delta = nn.functional.linear(parts[0], dt_proj.weight);
        Tensor y = SelectiveScan.Apply(u, delta, -exp(A_log), parts[1], parts[2], D, z, dt_proj.bias, delta_softplus: true);
        Tensor back = y.reshape(batch, 4 * length, d).index_select(1, _orders.Inverses(map.device));
        Tensor sum = back.reshape(batch, 4, length, d).sum([1L]).reshape(map.shape);
        return (sum.MoveToOuterDisposeScope(), new Scan2dSignals(Signal(parts[0]), Signal(parts[1]), Signal(parts[2]), halves[1].MoveToOuterDisposeScope()));

        Tensor Directions(Tensor rows) => rows.index_select(1, _orders.Indices(map.device)).reshape(4 * batch, length, d);

        Tensor Signal(Tensor t) => t.reshape(batch, 4, length, -1).MoveToOuterDisposeScope();
    }
}
