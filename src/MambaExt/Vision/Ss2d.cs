using MambaExt.Scan;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>
/// The 2-D selective scan of VMamba (Liu et al., arXiv 2401.10166, SS2D), without its last projection:
/// <code>
/// x, z  = in_proj(map)                                              [B, h, w, d] each
/// x     = silu(conv2d(x))                                           depthwise, 3 x 3
/// for each direction k, with weights of its own: dt|B|C = x_proj_k(x), y_k = scan(x, dt_proj_k(dt), -exp(A_log_k), B, C, D_k)
/// out   = out_norm(sum over k of y_k, back in row-major order) silu(z)
/// </code>
/// The four directions are one scan of 4 d channels in 4 groups.
/// </summary>
public sealed class Ss2d : MapScan
{
    private const int Directions = 4;
    private readonly Linear in_proj;
    private readonly Conv2d conv2d;
    private readonly Parameter x_proj_weight;
    private readonly Parameter dt_projs_weight;
    private readonly Parameter dt_projs_bias;
    private readonly Parameter A_logs;
    private readonly Parameter Ds;
    private readonly LayerNorm out_norm;
    private readonly ScanOrders _orders;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public Ss2d(Scan2dOptions options)
        : base(nameof(Ss2d), options)
    {
        options.Validate();
        int d = options.d_model, rank = options.Rank;
        _orders = new ScanOrders(options);
        in_proj = nn.Linear(d, 2 * d, hasBias: false);
        conv2d = nn.Conv2d(d, d, 3, padding: 1, groups: d);
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            // The bounds of torch's Linear over d inputs, and the published ones over R.
            double wide = 1 / Math.Sqrt(d), narrow = 1 / Math.Sqrt(rank);
            x_proj_weight = nn.Parameter(empty(Directions, rank + (2 * options.d_state), d).uniform_(-wide, wide).DetachFromDisposeScope());
            dt_projs_weight = nn.Parameter(empty(Directions, d, rank).uniform_(-narrow, narrow).DetachFromDisposeScope());
            dt_projs_bias = nn.Parameter(StepInitialization.Bias(options, Directions, d).DetachFromDisposeScope());
            A_logs = nn.Parameter(StepInitialization.ALog(options, (long)Directions * d).DetachFromDisposeScope());
        }

        Ds = nn.Parameter(ones((long)Directions * d).DetachFromDisposeScope());
        out_norm = nn.LayerNorm(d);
        RegisterComponents();
    }

    /// <inheritdoc/>
    protected override Tensor InProjection => in_proj.weight!;

    /// <inheritdoc/>
    public override (Tensor Out, Scan2dSignals Signals) ForwardWithSignals(Tensor map)
    {
        Require(map);
        using DisposeScope scope = NewDisposeScope();
        long batch = map.shape[0], d = Options.d_model, length = Options.Length, states = Options.d_state, rank = Options.Rank;
        Tensor[] halves = in_proj.forward(map).split(d, dim: 3);
        Tensor mixed = nn.functional.silu(conv2d.forward(halves[0].permute(0, 3, 1, 2))).permute(0, 2, 3, 1).reshape(batch, length, d);

        // One product for all directions: a cell's projections do not depend on the order it is visited in.
        Tensor projected = nn.functional.linear(mixed, x_proj_weight.reshape(-1, d)).reshape(batch, length, Directions, -1);
        Tensor[] parts = Visit(projected).split([rank, states, states], dim: 3);                             // [B, L, 4, R | N | N]
        Tensor u = Visit(mixed.unsqueeze(2).expand(-1, -1, Directions, -1)).reshape(batch, length, Directions * d);
        Tensor delta = einsum("blkr,kdr->blkd", parts[0], dt_projs_weight).reshape(batch, length, Directions * d);
        Tensor y = SelectiveScan.Apply(u, delta, -exp(A_logs), parts[1], parts[2], Ds, null, dt_projs_bias.reshape(-1), delta_softplus: true);

        Tensor rows = y.reshape(batch, length, Directions, d).transpose(1, 2).reshape(batch, Directions * length, d).index_select(1, _orders.Inverses(map.device));
        Tensor sum = rows.reshape(batch, Directions, length, d).sum([1L]);
        Tensor result = out_norm.forward(sum).reshape(map.shape) * nn.functional.silu(halves[1]);
        return (result.MoveToOuterDisposeScope(),
            new Scan2dSignals(Signal(parts[0]), Signal(parts[1]), Signal(parts[2]), halves[1].reshape(batch, length, d).MoveToOuterDisposeScope()));

        // [B, L, 4, C] in row-major cells to the steps of each direction.
        Tensor Visit(Tensor cells)
        {
            Tensor flat = cells.transpose(1, 2).reshape(batch, Directions * length, -1);
            Tensor first = _orders.Indices(map.device) + arange(Directions, device: map.device).repeat_interleave(length) * length;
            return flat.index_select(1, first).reshape(batch, Directions, length, -1).transpose(1, 2);
        }

        Tensor Signal(Tensor t) => t.transpose(1, 2).MoveToOuterDisposeScope();
    }
}
