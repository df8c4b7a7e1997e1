using MambaExt.Training;

namespace MambaExt.Fscil.Experiments;

/// <summary>
/// A method less another one, seed by seed: both worked on the same backbone, classes and shots, so that what a seed makes easy or hard for both falls out.
/// Percentage points; above 0 where the method is the better one.
/// </summary>
/// <param name="method">Its name</param>
/// <param name="against">The other one's</param>
/// <param name="seeds">n, seeds that both were run with</param>
/// <param name="average">Mean difference of the average accuracy</param>
/// <param name="average_se">Its standard error, s / sqrt(n) with the sample deviation s of the n differences; null for one seed</param>
/// <param name="harmonic_mean">Mean difference of the harmonic mean</param>
/// <param name="harmonic_se">Its standard error</param>
public sealed record PairedDifference(string method, string against, int seeds, double average, double? average_se, double harmonic_mean, double? harmonic_se)
{
    /// <summary>Of every other method.</summary>
    /// <param name="results">Of methods over seeds</param>
    /// <param name="against">The method that all others are compared with; one of them</param>
    public static IReadOnlyList<PairedDifference> Of(IReadOnlyList<FscilResult> results, string against)
    {
        FscilResult other = results.FirstOrDefault(r => r.method == against)
            ?? throw new ArgumentException($"The methods are to be compared with {against}, which was not run; give one of {string.Join(", ", results.Select(r => r.method))}.");
        Dictionary<int, FscilRun> runs = other.runs.ToDictionary(r => r.seed);
        return [.. results.Where(r => r.method != against).Select(One)];

        PairedDifference One(FscilResult result)
        {
            (FscilRun Own, FscilRun Other)[] pairs = [.. result.runs.Where(r => runs.ContainsKey(r.seed)).Select(r => (r, runs[r.seed]))];
            (double average, double? averageError) = Mean(pairs.Select(p => p.Own.scores!.average - p.Other.scores!.average));
            (double harmonic, double? harmonicError) = Mean(pairs.Select(p => p.Own.scores!.harmonic_mean - p.Other.scores!.harmonic_mean));
            return new PairedDifference(result.method, against, pairs.Length, average, averageError, harmonic, harmonicError);
        }
    }

    private static (double Mean, double? Error) Mean(IEnumerable<double> differences)
    {
        double[] all = [.. differences];
        MeanDeviation found = Training.Metrics.MeanAndDeviation(all);
        return (found.Mean, found.Deviation / Math.Sqrt(all.Length));
    }
}
