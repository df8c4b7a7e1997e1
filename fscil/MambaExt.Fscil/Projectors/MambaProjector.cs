using MambaExt.Vision;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Projectors;

/// <summary>
/// The dual selective projector of Mamba-FSCIL (Li et al., arXiv 2407.06136):
/// <code>
/// mu = p_iden(mean F) + g_base(F)                      base session
/// mu = p_iden(mean F) + g_base(F) + g_inc(F)           from the first incremental session on
/// </code>
/// p_iden is a linear map without bias, or nothing. g_inc exists from the start and is left out until <see cref="BeginIncrements"/>; with its gate rows at
/// zero the model is then exactly that of the base session.
/// </summary>
public sealed class MambaProjector : Projector
{
    private readonly Linear? p_iden;
    private readonly MambaBranch g_base;
    private readonly MambaBranch g_inc;

    // 1 once sessions have begun: a buffer, so that a saved model knows.
    private readonly Tensor begun;
    private bool _frozen = true;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    public MambaProjector(MapSize map, ProjectorOptions options)
        : base(nameof(MambaProjector))
    {
        if (!options.identity && options.width != map.Channels)
        {
            throw new ArgumentException($"The projector has no identity map and gives {options.width} numbers for maps of {map.Channels} channels; make both equal, or set identity to true.");
        }

        p_iden = options.identity ? nn.Linear(map.Channels, options.width, hasBias: false) : null;
        g_base = new MambaBranch(map, options, options.depth);
        g_inc = new MambaBranch(map, options, options.incremental_depth);
        begun = zeros(1).DetachFromDisposeScope();
        RegisterComponents();
        RequireBaseGradients();
    }

    /// <summary>Whether incremental sessions have begun.</summary>
    public bool Begun
    {
        get
        {
            // In whatever type the module computes.
            using Tensor set = begun.ne(0);
            return set.item<bool>();
        }
    }

    /// <summary>g_base.</summary>
    public MambaBranch BaseBranch => g_base;

    /// <summary>g_inc.</summary>
    public MambaBranch IncrementalBranch => g_inc;

    /// <summary>[B, h, w, C] to [B, d].</summary>
    public override Tensor forward(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        return ForwardWithSignals(map).Out.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override (Tensor Out, Scan2dSignals? Signals, Scan2dSignals? BaseSignals) ForwardWithSignals(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        if (!Begun)
        {
            return (Base(map).Out.MoveToOuterDisposeScope(), null, null);
        }

        (Tensor Out, Scan2dSignals Signals) old;
        using (IDisposable? _ = _frozen ? no_grad() : null)
        {
            old = Base(map);
        }

        var (y, signals) = g_inc.ForwardWithSignals(map.detach());
        return ((old.Out + y).MoveToOuterDisposeScope(), Kept(signals), _frozen ? null : Kept(old.Signals));

        static Scan2dSignals Kept(Scan2dSignals s) =>
            new(s.dt_low.MoveToOuterDisposeScope(), s.B.MoveToOuterDisposeScope(), s.C.MoveToOuterDisposeScope(), s.z.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public override void BeginIncrements(bool freeze, bool zeroStart)
    {
        _frozen = freeze;
        foreach (var (name, parameter) in named_parameters())
        {
            parameter.requires_grad = !freeze || IsIncremental(name);
        }

        if (!Begun)
        {
            using IDisposable _ = no_grad();
            begun.fill_(1);
            if (zeroStart)
            {
                g_inc.ZeroGate();
            }
        }
    }

    /// <inheritdoc/>
    public override double Share(string parameter, double baseShare) => IsIncremental(parameter) ? 1 : baseShare;

    /// <summary>Before the first session the incremental branch is left alone: no gradient, no decay.</summary>
    private void RequireBaseGradients()
    {
        foreach (var (name, parameter) in named_parameters())
        {
            parameter.requires_grad = !IsIncremental(name);
        }
    }

    private static bool IsIncremental(string name) => name.StartsWith("g_inc.", StringComparison.Ordinal);

    private (Tensor Out, Scan2dSignals Signals) Base(Tensor map)
    {
        Tensor mean = map.mean([1L, 2L]);
        var (y, signals) = g_base.ForwardWithSignals(map);
        return ((p_iden is null ? mean : p_iden.forward(mean)) + y, signals);
    }
}
