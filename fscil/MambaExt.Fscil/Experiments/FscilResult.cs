using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Recipes;
using MambaExt.Training;

namespace MambaExt.Fscil.Experiments;

/// <summary>One method over its seeds; the keys of <c>fscil run --json</c>. Percentages; sessions are means over seeds.</summary>
public sealed record FscilResult(
    string dataset, string variant, string method, IReadOnlyList<int> seeds, IReadOnlyList<SessionScores> sessions,
    double average, double drop, double harmonic_mean, double? average_std, double? harmonic_std,
    double harmonic_last, double g_acc, double forgetting, double bwt, IReadOnlyList<FscilRun> runs, double seconds, string run_dir)
{
    /// <summary>By what the epoch of the backbone was chosen; "test" is what published code does, and no honest choice.</summary>
    public string chosen_by { get; init; } = "validation";

    /// <summary>What the backbone was trained under: a cosine classifier, or together with the projector of nc or mamba.</summary>
    public string head { get; init; } = "cosine";

    /// <summary>Where the classes come from.</summary>
    public string protocol { get; init; } = "";

    /// <summary>Settings that were tried on base classes held back as if they were novel; the recipe alone where nothing was tried.</summary>
    public IReadOnlyList<FscilTrialScore> trials { get; init; } = [];

    /// <summary>How often a run reads its test images: once for the maps that all sessions are judged on, and before that once an epoch where they choose the epoch.</summary>
    public int test_reads { get; init; } = 1;

    /// <summary>Puts the runs of a method together.</summary>
    /// <param name="data">Of the first seed</param>
    /// <param name="training">How the backbone was trained, and by what its epoch was chosen</param>
    /// <param name="runs">At least one, with scores</param>
    /// <param name="bases">The trainings of the backbones</param>
    /// <param name="folder">Of the run</param>
    public static FscilResult Of(FscilData data, BaseTraining training, IReadOnlyList<FscilRun> runs, IReadOnlyList<FscilRun> bases, string folder)
    {
        FscilScores[] scores = [.. runs.Select(r => r.scores!)];
        MeanDeviation average = Metric(s => s.average), harmonic = Metric(s => s.harmonic_mean);
        return new FscilResult(
            data.Name, data.Variant.ToString().ToLowerInvariant(), runs[0].method, [.. runs.Select(r => r.seed)], [.. Enumerable.Range(0, scores[0].sessions.Count).Select(Session)],
            average.Mean, Metric(s => s.drop).Mean, harmonic.Mean, average.Deviation, harmonic.Deviation,
            Metric(s => s.harmonic_last).Mean, Metric(s => s.g_acc).Mean, Metric(s => s.forgetting).Mean, Metric(s => s.bwt).Mean, runs,
            runs.Sum(r => r.base_seconds + r.session_seconds) + bases.Sum(b => b.base_seconds), folder)
        {
            chosen_by = training.choose, head = training.head, protocol = data.Protocol.Summary, test_reads = 1 + (training.choose == "test" ? bases.Select(Judged).DefaultIfEmpty().Max() : 0),
        };

        // A backbone of another run was judged as often as its recipe, which is the same, lets it be; the last epoch always is.
        int Judged(FscilRun of)
        {
            int epochs = of.epochs > 0 ? of.epochs : training.epochs;
            return ((epochs - 1) / training.validate_every) + 1;
        }

        MeanDeviation Metric(Func<FscilScores, double> of) => Training.Metrics.MeanAndDeviation([.. scores.Select(of)]);

        SessionScores Session(int t)
        {
            SessionScores[] all = [.. scores.Select(s => s.sessions[t])];
            return new SessionScores(
                t, all[0].classes, all.Average(s => s.overall), all.Average(s => s.@base), all.Average(s => s.novel), all.Average(s => s.old_novel), all.Average(s => s.newest), all.Average(s => s.harmonic));
        }
    }
}
