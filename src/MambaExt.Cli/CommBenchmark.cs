using System.Diagnostics;
using MambaExt.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Cli;

/// <summary>A size in <c>bench comm --json</c>.</summary>
internal sealed record CommBenchmarkSize(long bytes, double best_ms, double median_ms);

/// <summary>Keys of <c>bench comm --json</c>. <paramref name="transport"/> is null where neither host names nor the environment tell.</summary>
internal sealed record CommBenchmarkResult(int ranks, int hosts, string library, string? transport, IReadOnlyList<CommBenchmarkSize> sizes);

/// <summary>Times the in-place sum of a float32 tensor over all ranks. A round takes as long as its slowest rank.</summary>
internal static class CommBenchmark
{
    private const int MiB = 1 << 20;
    private static readonly long[] Sizes = [1 * MiB, 10 * MiB, 100 * MiB];

    public static CommBenchmarkResult Run(ICommunicator ranks, int rounds, CancellationToken token)
    {
        int hosts = ranks.AllGather(Environment.MachineName).Distinct().Count();
        return new CommBenchmarkResult(ranks.Size, hosts, ranks.Description, Transport(hosts), [.. Sizes.Select(bytes => Time(ranks, bytes, rounds, token))]);
    }

    private static CommBenchmarkSize Time(ICommunicator ranks, long bytes, int rounds, CancellationToken token)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor summed = ones(bytes / sizeof(float)), times = zeros([rounds, ranks.Size], ScalarType.Float64);
        for (int round = -2; round < rounds; round++)
        {
            token.ThrowIfCancellationRequested();
            ranks.Barrier();
            long start = Stopwatch.GetTimestamp();
            ranks.AllReduceSum(summed);
            if (round >= 0)
            {
                times[round, ranks.Rank] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            // Off the clock; sums of sums would overflow.
            summed.fill_(1);
        }

        ranks.AllReduceSum(times);
        Tensor slowest = times.amax([1L]);
        return new CommBenchmarkSize(bytes, slowest.min().item<double>(), quantile(slowest, tensor(0.5, dtype: ScalarType.Float64)).item<double>());
    }

    /// <summary>What Open MPI was told to use; else shared memory where all ranks have one host.</summary>
    private static string? Transport(int hosts) =>
        Environment.GetEnvironmentVariable("OMPI_MCA_btl") is { Length: > 0 } told ? told : hosts == 1 ? "shared memory" : null;
}
