using System.Diagnostics;

namespace MambaExt.Benchmarks;

/// <summary>Medians of repeated calls, in milliseconds.</summary>
internal static class Timing
{
    public static void Report(string what, Action action, int rounds = 11)
    {
        double[] times = new double[rounds];
        for (int round = -2; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            if (round >= 0)
            {
                times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        Array.Sort(times);
        Console.WriteLine($"{what}: median {times[rounds / 2]:f1} ms, least {times[0]:f1} ms");
    }
}
