using MambaExt.Kernels.Cpu;
using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Benchmarks;

/// <summary>Mamba-2's scan of 2,048 positions, 24 heads of 64 and 128 states, beside the same numbers through the scan of Mamba-1; and short sequences in
/// chunks beside position by position.</summary>
internal static class SsdBenchmark
{
    private const int Length = 2048, Heads = 24, Width = 64, States = 128;

    // Least times are compared: other programs only add.
    private const double MostMilliseconds = 25, LeastRatio = 4;

    public static void Run()
    {
        Compute.Threads = 1;
        using DisposeScope scope = NewDisposeScope();
        manual_seed(0);
        Tensor x = randn(1, Length, Heads, Width), dt = randn(1, Length, Heads) - 3, A = -rand(Heads) * 15 - 1, B = randn(1, Length, 1, States), C = randn(1, Length, 1, States);
        double second, first;
        using (no_grad())
        {
            second = Report("Mamba-2, forward", () => StateSpaceDuality.Apply(x, dt, A, B, C, dt_softplus: true));
        }

        // As the published counts of chunked products: C B' and its product with x within a chunk of 48, states in and out.
        double operations = 2.0 * Length * ((48 * States / 2.0) + (Heads * Width * (24 + (2.0 * States))));
        Judge(second <= MostMilliseconds, $"{second:f1} ms at best, {operations / second / 1e6:f0} GFLOP/s; at most {MostMilliseconds} ms");

        Tensor[] leaves = [.. new[] { x, dt, A, B, C }.Select(t => t.clone().requires_grad_())];
        Timing.Report("Mamba-2, forward and backward", () =>
        {
            using DisposeScope step = NewDisposeScope();
            StateSpaceDuality.Apply(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], dt_softplus: true).sum().backward();
        });

        // Mamba-1 has a step and decays for each channel: those of its head.
        Tensor delta = dt.unsqueeze(3).expand(1, Length, Heads, Width).reshape(1, Length, Heads * Width);
        Tensor decays = A.view(Heads, 1, 1).expand(Heads, Width, States).reshape(Heads * Width, States);
        using IDisposable _ = no_grad();
        first = Report("the same through Mamba-1, forward", () => SelectiveScan.Apply(x.view(1, Length, Heads * Width), delta, decays, B, C, delta_softplus: true));
        Judge(first / second >= LeastRatio, $"{first / second:f1} times the time of Mamba-2; at least {LeastRatio}");
        Crossover();
    }

    /// <summary>Both forms at lengths around the one up to which positions are taken one by one.</summary>
    private static void Crossover()
    {
        Console.WriteLine($"{"L",4}  {"by position",12}  {"in chunks",10}  faster, and what is taken up to L {SsdPlan.SequentialLength}");
        foreach (int length in new[] { 1, 2, 4, 8, 12, 16, 20, 24, 32, 48, 64 })
        {
            Tensor x = randn(1, length, Heads, Width), dt = randn(1, length, Heads) - 3, A = -rand(Heads) * 15 - 1, B = randn(1, length, 1, States), C = randn(1, length, 1, States);
            double single = Time(int.MaxValue), chunked = Time(0);
            Console.WriteLine($"{length,4}  {1000 * single,9:f0} us  {1000 * chunked,7:f0} us  {(single <= chunked ? "by position" : "in chunks"),-11}  {(length <= SsdPlan.SequentialLength ? "by position" : "in chunks")}");

            double Time(int longest)
            {
                SsdPlan.LongestSequential = longest;
                try
                {
                    return Timing.Of(() => Once(() => StateSpaceDuality.Apply(x, dt, A, B, C, dt_softplus: true)), 101, 0.5).Least;
                }
                finally
                {
                    SsdPlan.LongestSequential = SsdPlan.SequentialLength;
                }
            }
        }
    }

    private static double Report(string what, Func<Tensor> call)
    {
        var (median, least) = Timing.Of(() => Once(call));
        Console.WriteLine($"{what}: median {median:f1} ms, least {least:f1} ms");
        return least;
    }

    private static void Once(Func<Tensor> call)
    {
        using DisposeScope step = NewDisposeScope();
        call();
    }

    private static void Judge(bool ok, string what) => Console.WriteLine($"  {(ok ? "pass" : "FAIL")}: {what}");
}
