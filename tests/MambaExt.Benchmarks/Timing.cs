using System.Diagnostics;

namespace MambaExt.Benchmarks;

/// <summary>Medians of repeated calls, in milliseconds.</summary>
internal static class Timing
{
    // Long enough for the runtime to replace the first, hasty compilation of every method.
    private const double WarmUpSeconds = 1.5;

    public static void Report(string what, Action action, int rounds = 11)
    {
        var (median, least) = Of(action, rounds, WarmUpSeconds);
        Console.WriteLine($"{what}: median {median:f1} ms, least {least:f1} ms");
    }

    /// <summary>Median and least.</summary>
    public static (double Median, double Least) Of(Action action, int rounds = 11, double warmUpSeconds = WarmUpSeconds)
    {
        double[] times = new double[rounds];
        long began = Stopwatch.GetTimestamp();
        for (int warm = 0; warm < 2 || Stopwatch.GetElapsedTime(began).TotalSeconds < warmUpSeconds; warm++)
        {
            action();
        }

        for (int round = 0; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return (times[rounds / 2], times[0]);
    }
}
