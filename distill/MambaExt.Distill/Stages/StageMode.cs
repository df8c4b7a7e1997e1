using MambaExt.Distill.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>How a student joins those before it: what it is trained on, and how its logits make a prefix of theirs.</summary>
public abstract class StageMode
{
    private static readonly Dictionary<string, Func<double, StageMode>> Known = new()
    {
        ["joint"] = _ => new JointMode(), ["residual"] = _ => new ResidualMode(), ["boosted"] = clip => new BoostedMode(clip), ["independent"] = _ => new IndependentMode(),
    };

    /// <summary>All of them, the default first.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Keys];

    /// <summary>As options and results call it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether its loss compares logits by the losses of the configuration, or by one of its own.</summary>
    public virtual bool TakesLosses => true;

    /// <summary>Whether it needs what teacher and prefix say of all samples at once.</summary>
    public virtual bool NeedsNumberedDraws => false;

    /// <summary>The mode of that name.</summary>
    /// <param name="name">One of <see cref="Names"/></param>
    /// <param name="clip">Magnitude that boosted clips logits to</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static StageMode Of(string name, double clip = 10) => Known.TryGetValue(name, out Func<double, StageMode>? make)
        ? make(clip)
        : throw new ArgumentException($"There is no mode '{name}'; allowed are {string.Join(", ", Names)}{(NameSuggestion.Nearest(name, Names) is { } near ? $" (did you mean {near}?)" : "")}.");

    /// <summary>Logits of prefix t from those of prefix t - 1 and the student's own.</summary>
    /// <param name="before">[B, K]; null for the first student</param>
    /// <param name="own">[B, K]</param>
    /// <param name="t">From 1</param>
    /// <param name="scales">a and b of a_t F + b_t s, [2]; only the joint mode reads them</param>
    public abstract Tensor Combine(Tensor? before, Tensor own, int t, Tensor scales);

    /// <summary>Names of the parts of stage t's loss, in their order.</summary>
    /// <param name="t">From 1</param>
    /// <param name="losses">Losses of the configuration</param>
    public abstract IReadOnlyList<string> Parts(int t, IReadOnlyList<string> losses);

    /// <summary>The parts of the loss by name, without those of features.</summary>
    /// <param name="batch">What is known of it</param>
    public abstract IEnumerable<(string Name, double Weight, Tensor Value)> Loss(StageInputs batch);

    /// <summary>The losses of the configuration, applied to a prefix.</summary>
    protected static IEnumerable<(string Name, double Weight, Tensor Value)> Prefix(StageInputs batch, Tensor logits) =>
        batch.Losses.Select(term => ($"prefix.{term.Loss.Name}", term.Weight, term.Loss.Of(batch.Compared with { Logits = logits, Distillation = null })));

    /// <summary>The losses of the configuration, applied to the student alone.</summary>
    protected static IEnumerable<(string Name, double Weight, Tensor Value)> Solo(StageInputs batch, double weight) =>
        batch.Losses.Select(term => ($"solo.{term.Loss.Name}", weight * term.Weight, term.Loss.Of(batch.Compared)));
}

/// <summary>A batch of a stage.</summary>
/// <param name="Stage">t, from 1</param>
/// <param name="Own">Logits of the student as it answers, [B, K]</param>
/// <param name="Compared">The student alone (its class head, where it has two), teacher, labels</param>
/// <param name="Losses">Losses of logits with their weights</param>
public sealed record StageInputs(int Stage, Tensor Own, LossInputs Compared, IReadOnlyList<(DistillationLoss Loss, double Weight)> Losses)
{
    /// <summary>Logits of the prefix before, [B, K]; null for the first student.</summary>
    public Tensor? Before { get; init; }

    /// <summary>a and b, [2].</summary>
    public required Tensor Scales { get; init; }

    /// <summary>What the student's own losses count beside the prefix's.</summary>
    public double SoloWeight { get; init; } = 0.5;

    /// <summary>Rows of the boosting weights, [B, K]; null outside of that mode and in its first round.</summary>
    public Tensor? BoostWeights { get; init; }

    /// <summary>N, samples that the weights are spread over.</summary>
    public int Samples { get; init; }
}
