using MambaExt.Scan;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Blocks;

/// <summary>
/// The Mamba block (Gu and Dao, arXiv 2312.00752, figure 3):
/// <code>
/// x, z    = in_proj(hidden)                 [B, L, D] each, D = expand * d_model
/// x       = silu(conv1d(x))
/// dt|B|C  = x_proj(x)                       [B, L, R | N | N]
/// y       = scan(x, dt_proj(dt), -exp(A_log), B, C, D) silu(z)
/// out     = out_proj(y)                     [B, L, d_model]
/// </code>
/// Parameters carry their published names and are initialized as published. A_log, D and dt_proj.bias want no weight decay
/// (<see cref="NoWeightDecay"/>).
/// </summary>
public sealed class MambaBlock : nn.Module<Tensor, Tensor>
{
    private readonly Linear in_proj;
    private readonly DepthwiseTaps conv1d;
    private readonly Linear x_proj;
    private readonly Linear dt_proj;
    private readonly Parameter A_log;
    private readonly Parameter D;
    private readonly Linear out_proj;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public MambaBlock(MambaOptions options)
        : base(nameof(MambaBlock))
    {
        options.Validate();
        Options = options;
        int inner = options.d_inner, rank = options.Rank, states = options.d_state;
        in_proj = nn.Linear(options.d_model, 2 * inner, options.bias);
        conv1d = new DepthwiseTaps(inner, options.d_conv, options.conv_bias);
        x_proj = nn.Linear(inner, rank + 2 * states, hasBias: false);
        dt_proj = nn.Linear(rank, inner);
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            double bound = 1 / Math.Sqrt(rank);
            dt_proj.weight.uniform_(-bound, bound);
            Tensor dt = exp(rand(inner) * (Math.Log(options.dt_max) - Math.Log(options.dt_min)) + Math.Log(options.dt_min)).clamp_min(options.dt_init_floor);

            // The inverse of softplus, so that the first steps are dt.
            dt_proj.bias!.copy_(dt + log(-expm1(-dt)));
            A_log = nn.Parameter(log(arange(1, states + 1, dtype: ScalarType.Float32)).repeat(inner, 1).DetachFromDisposeScope());
        }

        D = nn.Parameter(ones(inner).DetachFromDisposeScope());
        out_proj = nn.Linear(inner, options.d_model, options.bias);
        RegisterComponents();
    }

    /// <summary>The sizes.</summary>
    public MambaOptions Options { get; }

    /// <summary>Whether a parameter, by its full name, is one that the published training leaves out of weight decay, in this block or in
    /// <see cref="Mamba2Block"/>.</summary>
    public static bool NoWeightDecay(string name)
    {
        string last = name[(name.LastIndexOf('.') + 1)..];
        return last is "A_log" or "D" or "dt_bias" or "A_logs" or "Ds" or "dt_projs_bias" || name.EndsWith("dt_proj.bias", StringComparison.Ordinal);
    }

    /// <summary>[B, L, d_model] to [B, L, d_model], each position seeing those before it.</summary>
    public override Tensor forward(Tensor hidden) => Forward(hidden);

    /// <summary>As <see cref="forward"/>; <paramref name="reverse"/> lets each position see those after it instead, without a flipped copy.</summary>
    /// <param name="hidden">[B, L, d_model]</param>
    /// <param name="seq_idx">int32 [B, L] of packed sequences; none sees another</param>
    /// <param name="reverse">process positions L-1 ... 0</param>
    public Tensor Forward(Tensor hidden, Tensor? seq_idx = null, bool reverse = false)
    {
        using DisposeScope scope = NewDisposeScope();
        var (x, z) = Project(hidden);
        Tensor u = CausalConv1d.Apply(x, conv1d.weight, conv1d.bias, silu: true, seq_idx: seq_idx, reverse: reverse);      // [B, L, D]
        var (dt_low, B, C) = Select(u);
        Tensor delta = nn.functional.linear(dt_low, dt_proj.weight);                                                      // [B, L, D]
        Tensor y = SelectiveScan.Apply(u, delta, -exp(A_log), B, C, D, z, dt_proj.bias, seq_idx: seq_idx, delta_softplus: true, reverse: reverse);
        return out_proj.forward(y).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="forward"/>, with the signals that steered the scan, for losses and observers; entries of
    /// <paramref name="given"/> replace what the block would compute.</summary>
    public (Tensor Out, MambaSignals Signals) ForwardWithSignals(Tensor hidden, MambaSignals? given = null, Tensor? seq_idx = null, bool reverse = false)
    {
        using DisposeScope scope = NewDisposeScope();
        var (x, ownZ) = Project(hidden);
        Tensor u = CausalConv1d.Apply(x, conv1d.weight, conv1d.bias, silu: true, seq_idx: seq_idx, reverse: reverse);
        var (ownLow, ownB, ownC) = Select(u);
        Tensor dt_low = given?.dt_low ?? ownLow;
        if (!dt_low.shape.SequenceEqual(ownLow.shape) || dt_low.dtype != ownLow.dtype)
        {
            throw new ArgumentException(
                $"dt_low is {dt_low.dtype} [{string.Join(", ", dt_low.shape)}], expected {ownLow.dtype} [{string.Join(", ", ownLow.shape)}]; give the steps before dt_proj of this block's rank.");
        }

        Tensor delta = given?.delta ?? nn.functional.softplus(nn.functional.linear(dt_low, dt_proj.weight, dt_proj.bias));
        Tensor B = given?.B ?? ownB, C = given?.C ?? ownC, z = given?.z ?? ownZ;
        Tensor y = SelectiveScan.Apply(u, delta, -exp(A_log), B, C, D, z, seq_idx: seq_idx, reverse: reverse);
        Tensor result = out_proj.forward(y).MoveToOuterDisposeScope();
        return (result, new MambaSignals(Out(dt_low), Out(delta), Out(B), Out(C), Out(z)));

        // A signal from outside stays where it is; an own one outlives this call.
        Tensor Out(Tensor signal) =>
            given is not null && new[] { given.dt_low, given.delta, given.B, given.C, given.z }.Any(g => ReferenceEquals(g, signal)) ? signal : signal.MoveToOuterDisposeScope();
    }

    /// <summary>Continues a sequence: any number of further positions after those that <paramref name="cache"/> has seen. The same
    /// numbers as one call over the whole. Not recorded by autograd.</summary>
    /// <param name="hidden">[B, L, d_model]</param>
    /// <param name="cache">Updated</param>
    public Tensor Forward(Tensor hidden, MambaCache cache)
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var (x, z) = Project(hidden);
        long[] expected = [hidden.shape[0], Options.d_conv, Options.d_inner, Options.d_state], held = [.. cache.conv_state.shape, cache.ssm_state.shape[2]];
        bool narrow = hidden.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        ScalarType state = narrow ? ScalarType.Float32 : hidden.dtype;
        if (!held.SequenceEqual(expected) || cache.ssm_state.dtype != state)
        {
            throw new ArgumentException(
                $"The cache holds batch, d_conv, d_inner and d_state of [{string.Join(", ", held)}] in {cache.ssm_state.dtype}, expected [{string.Join(", ", expected)}] in {state}; make a cache with this block's options, batch and type.");
        }

        Tensor before = cache.conv_state.narrow(1, 1, Options.d_conv - 1);
        Tensor u = CausalConv1d.Apply(x, conv1d.weight, conv1d.bias, silu: true, initial_states: before);
        var (dt_low, B, C) = Select(u);
        Tensor delta = nn.functional.linear(dt_low, dt_proj.weight);
        var (y, last) = SelectiveScan.ApplyWithState(
            narrow ? u.to_type(ScalarType.Float32) : u, narrow ? delta.to_type(ScalarType.Float32) : delta, -exp(narrow ? A_log.to_type(ScalarType.Float32) : A_log),
            narrow ? B.to_type(ScalarType.Float32) : B, narrow ? C.to_type(ScalarType.Float32) : C, narrow ? D.to_type(ScalarType.Float32) : D,
            narrow ? z.to_type(ScalarType.Float32) : z, narrow ? dt_proj.bias!.to_type(ScalarType.Float32) : dt_proj.bias, cache.ssm_state, delta_softplus: true);
        Tensor seen = cat([cache.conv_state, x], 1);

        // A copy: a view would keep everything seen alive.
        cache.Update(seen.narrow(1, hidden.shape[1], Options.d_conv).clone(), last);
        return out_proj.forward(narrow ? y.to_type(hidden.dtype) : y).MoveToOuterDisposeScope();
    }

    /// <summary>One more position, [B, d_model] to [B, d_model]; <paramref name="cache"/> is updated.</summary>
    public Tensor Step(Tensor hidden, MambaCache cache)
    {
        if (hidden.dim() != 2)
        {
            throw new ArgumentException($"hidden has shape [{string.Join(", ", hidden.shape)}], expected [B, {Options.d_model}]; a step takes one position.");
        }

        using DisposeScope scope = NewDisposeScope();
        return Forward(hidden.unsqueeze(1), cache).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>x and z, [B, L, D] each: the halves of one projection, not copied.</summary>
    private (Tensor X, Tensor Z) Project(Tensor hidden)
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

        Tensor[] halves = in_proj.forward(hidden).split(Options.d_inner, dim: 2);
        return (halves[0], halves[1]);
    }

    /// <summary>dt before dt_proj, B and C: slices of one projection, not copied.</summary>
    private (Tensor dt_low, Tensor B, Tensor C) Select(Tensor u)
    {
        Tensor[] parts = x_proj.forward(u).split([Options.Rank, Options.d_state, Options.d_state], dim: 2);
        return (parts[0], parts[1], parts[2]);
    }
}
