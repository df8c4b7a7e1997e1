using MambaExt.Scan;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>
/// The Mamba-2 block (Dao and Gu, arXiv 2405.21060, figure 6):
/// <code>
/// z|x|B|C|dt = in_proj(hidden)              [B, L, d_inner | d_inner | G N | G N | H]
/// x|B|C      = silu(conv1d(x|B|C))
/// y          = scan(x, dt + dt_bias, -exp(A_log), B, C, D)
/// out        = out_proj(norm(y, z))         [B, L, d_model]
/// </code>
/// Parameters carry their published names and are initialized as published. A_log, D and dt_bias want no weight decay
/// (<see cref="MambaBlock.NoWeightDecay"/>).
/// </summary>
public sealed class Mamba2Block : nn.Module<Tensor, Tensor>
{
    private readonly Linear in_proj;
    private readonly DepthwiseTaps conv1d;
    private readonly Parameter dt_bias;
    private readonly Parameter A_log;
    private readonly Parameter D;
    private readonly GatedRmsNorm? norm;
    private readonly Linear out_proj;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public Mamba2Block(Mamba2Options options)
        : base(nameof(Mamba2Block))
    {
        options.Validate();
        Options = options;
        in_proj = nn.Linear(options.d_model, options.d_inner + options.conv_dim + options.nheads, options.bias);
        conv1d = new DepthwiseTaps(options.conv_dim, options.d_conv, options.conv_bias);
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            Tensor dt = exp(rand(options.nheads) * (Math.Log(options.dt_max) - Math.Log(options.dt_min)) + Math.Log(options.dt_min)).clamp_min(options.dt_init_floor);

            // The inverse of softplus, so that the first steps are dt.
            dt_bias = nn.Parameter((dt + log(-expm1(-dt))).DetachFromDisposeScope());
            A_log = nn.Parameter(log(rand(options.nheads) * (options.A_init_max - options.A_init_min) + options.A_init_min).DetachFromDisposeScope());
        }

        D = nn.Parameter(ones(options.D_has_hdim ? options.d_inner : options.nheads).DetachFromDisposeScope());
        norm = options.rmsnorm ? new GatedRmsNorm(options) : null;
        out_proj = nn.Linear(options.d_inner, options.d_model, options.bias);
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public Mamba2Options Options { get; }

    /// <summary>[B, L, d_model] to [B, L, d_model], each position seeing those before it.</summary>
    public override Tensor forward(Tensor hidden) => Forward(hidden);

    /// <summary>As <see cref="forward"/>, over packed sequences.</summary>
    /// <param name="hidden">[B, L, d_model]</param>
    /// <param name="seq_idx">int32 [B, L] of packed sequences; none sees another</param>
    public Tensor Forward(Tensor hidden, Tensor? seq_idx = null)
    {
        using DisposeScope scope = NewDisposeScope();
        var (z, mixed, dt) = Project(hidden);
        Tensor u = CausalConv1d.Apply(mixed, conv1d.weight, conv1d.bias, silu: true, seq_idx: seq_idx);
        return Finish(Scan(u, dt, z, null, seq_idx, lastState: false).Out, z).MoveToOuterDisposeScope();
    }

    /// <summary>Continues a sequence: any number of further positions after those that <paramref name="cache"/> has seen. The same
    /// numbers as one call over the whole. Not recorded by autograd.</summary>
    /// <param name="hidden">[B, L, d_model]</param>
    /// <param name="cache">Updated</param>
    public Tensor Forward(Tensor hidden, Mamba2Cache cache)
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var (z, mixed, dt) = Project(hidden);
        ScalarType state = hidden.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : hidden.dtype;
        long[] held = [.. cache.conv_state.shape, .. cache.ssm_state.shape[1..]];
        long[] expected = [hidden.shape[0], Options.d_conv, Options.conv_dim, Options.nheads, Options.headdim, Options.d_state];
        if (!held.SequenceEqual(expected) || cache.ssm_state.dtype != state || cache.conv_state.dtype != hidden.dtype)
        {
            throw new ArgumentException(
                $"The cache holds batch, d_conv, conv_dim, nheads, headdim and d_state of [{string.Join(", ", held)}] in {cache.conv_state.dtype} and {cache.ssm_state.dtype}, expected [{string.Join(", ", expected)}] in {hidden.dtype} and {state}; make a cache with this block's options, batch and type.");
        }

        Tensor u = CausalConv1d.Apply(mixed, conv1d.weight, conv1d.bias, silu: true, initial_states: cache.conv_state.narrow(1, 1, Options.d_conv - 1));
        var (y, last) = Scan(u, dt, z, cache.ssm_state, null, lastState: true);
        Tensor seen = cat([cache.conv_state, mixed], 1);

        // A copy: a view would keep everything seen alive.
        cache.Update(seen.narrow(1, hidden.shape[1], Options.d_conv).clone(), last!);
        return Finish(y, z).MoveToOuterDisposeScope();
    }

    /// <summary>One more position, [B, d_model] to [B, d_model]; <paramref name="cache"/> is updated.</summary>
    public Tensor Step(Tensor hidden, Mamba2Cache cache)
    {
        if (hidden.dim() != 2)
        {
            throw new ArgumentException($"hidden has shape [{string.Join(", ", hidden.shape)}], expected [B, {Options.d_model}]; a step takes one position.");
        }

        using DisposeScope scope = NewDisposeScope();
        return Forward(hidden.unsqueeze(1), cache).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Gate, the input of the convolution, and steps: slices of one projection, not copied.</summary>
    private (Tensor Z, Tensor Mixed, Tensor Dt) Project(Tensor hidden)
    {
        if (hidden.dim() != 3 || hidden.shape[2] != Options.d_model)
        {
            throw new ArgumentException($"hidden has shape [{string.Join(", ", hidden.shape)}], expected [B, L, {Options.d_model}]; put the batch first and make the block with this d_model.");
        }

        if (hidden.dtype != in_proj.weight!.dtype || hidden.device.type != in_proj.weight.device.type)
        {
            throw new ArgumentException(
                $"hidden is {hidden.dtype} on {hidden.device} and the block {in_proj.weight.dtype} on {in_proj.weight.device}; convert either with to.");
        }

        Tensor[] parts = in_proj.forward(hidden).split([Options.d_inner, Options.conv_dim, Options.nheads], dim: 2);
        return (parts[0], parts[1], parts[2]);
    }

    private (Tensor Out, Tensor? LastState) Scan(Tensor u, Tensor dt, Tensor z, Tensor? initial, Tensor? sequence, bool lastState)
    {
        long group = Options.ngroups * Options.d_state;
        Tensor[] parts = u.split([Options.d_inner, group, group], dim: 2);
        Tensor x = parts[0].unflatten(2, [Options.nheads, Options.headdim]);
        Tensor B = parts[1].unflatten(2, [Options.ngroups, Options.d_state]), C = parts[2].unflatten(2, [Options.ngroups, Options.d_state]);
        Tensor skip = Options.D_has_hdim ? D.view(Options.nheads, Options.headdim) : D;
        Tensor? gate = Options.rmsnorm ? null : z.unflatten(2, [Options.nheads, Options.headdim]);
        if (!lastState)
        {
            return (StateSpaceDuality.Apply(x, dt, -exp(A_log), B, C, skip, gate, dt_bias, initial, sequence, dt_softplus: true, Options.dt_limit).flatten(2), null);
        }

        var (y, last) = StateSpaceDuality.ApplyWithState(x, dt, -exp(A_log), B, C, skip, gate, dt_bias, initial, sequence, dt_softplus: true, Options.dt_limit);
        return (y.flatten(2), last);
    }

    private Tensor Finish(Tensor y, Tensor z) => out_proj.forward(norm is null ? y : norm.forward(y, z));
}
