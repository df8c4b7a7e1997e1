using static TorchSharp.torch;

namespace MambaExt.Distributed;

/// <summary>Mean and variance of each channel over the batches of all ranks.</summary>
/// <param name="Count">Values a channel, over all ranks</param>
/// <param name="Mean">[C]</param>
/// <param name="Variance">[C], divided by Count</param>
/// <param name="InverseDeviation">[C], <c>1 / sqrt(Variance + eps)</c></param>
internal sealed record BatchStatistics(double Count, Tensor Mean, Tensor Variance, Tensor InverseDeviation)
{
    /// <summary>Takes the statistics of [N, C, ...] in one message. Each rank sends count, mean and squared deviations from its own mean,
    /// in float64, and the parts are joined by their distances (Chan, Golub and LeVeque 1983): sums of squares would lose the variance
    /// of values far from zero.</summary>
    /// <exception cref="ArgumentException">One value a channel or none; thrown on all ranks.</exception>
    public static BatchStatistics Over(Tensor x, double eps, ICommunicator communicator)
    {
        long channels = x.shape[1], own = x.numel() / Math.Max(1, channels);
        Tensor parts = zeros([communicator.Size, 1 + 2 * channels], ScalarType.Float64);
        if (own > 0)
        {
            (Tensor variance, Tensor mean) = var_mean(x, Dimensions(x), unbiased: false);
            parts[communicator.Rank] = cat([tensor([(double)own]), mean.to(ScalarType.Float64, CPU), variance.to(ScalarType.Float64, CPU) * own]);
        }

        communicator.AllReduceSum(parts);
        Tensor counts = parts.narrow(1, 0, 1), means = parts.narrow(1, 1, channels), deviations = parts.narrow(1, 1 + channels, channels);   // [ranks, 1 | C | C]
        double count = counts.sum().item<double>();
        if (count <= 1)
        {
            throw new ArgumentException($"All ranks together have {count} value(s) a channel, and a variance takes 2 or more; give larger batches or call eval().");
        }

        Tensor common = (counts * means).sum(0L) / count;                                                     // [C]
        Tensor varianceOfAll = (deviations + counts * (means - common).square()).sum(0L) / count;             // [C]
        return new BatchStatistics(count, Own(common), Own(varianceOfAll), Own(rsqrt(varianceOfAll + eps)));

        Tensor Own(Tensor t) => t.to(x.dtype, x.device);
    }

    /// <summary>All dimensions but the channels'.</summary>
    public static long[] Dimensions(Tensor x) => [0, .. Enumerable.Range(2, (int)x.dim() - 2).Select(d => (long)d)];
}
