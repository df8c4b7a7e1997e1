namespace MambaExt.Distill.Accounting;

/// <summary>Times of repeated calls, microseconds.</summary>
/// <param name="median_us">Median</param>
/// <param name="p95_us">95th percentile</param>
/// <param name="rounds">Calls that were timed</param>
public sealed record Latency(double median_us, double p95_us, int rounds);

/// <summary>Measures how long an answer takes on this machine.</summary>
public static class LatencyMeter
{
    private const int WarmUps = 10;

    // Long enough for the runtime to have compiled the hot loops for good.
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Times a call.</summary>
    /// <param name="call">Runs once a round, after ten and at least 0.1 s of warm-up</param>
    /// <param name="rounds">50 or more</param>
    /// <param name="clock">Default the system's</param>
    public static Latency Measure(Action call, int rounds = 200, TimeProvider? clock = null)
    {
        clock ??= TimeProvider.System;
        if (rounds < 50)
        {
            throw new ArgumentOutOfRangeException(nameof(rounds), $"{rounds} rounds were asked for; give 50 or more.");
        }

        long begin = clock.GetTimestamp();
        for (int i = 0; i < WarmUps || clock.GetElapsedTime(begin) < WarmUpTime; i++)
        {
            call();
        }

        var times = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            long start = clock.GetTimestamp();
            call();
            times[i] = clock.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(times);
        return new Latency(times[rounds / 2], times[(int)(0.95 * (rounds - 1))], rounds);
    }
}
