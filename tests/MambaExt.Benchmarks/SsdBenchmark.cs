using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Benchmarks;

/// <summary>Mamba-2's scan of 2,048 positions, 24 heads of 64 and 128 states, beside the same numbers through the scan of Mamba-1.</summary>
internal static class SsdBenchmark
{
    private const int Length = 2048, Heads = 24, Width = 64, States = 128;

    public static void Run()
    {
        Compute.Threads = 1;
        using DisposeScope scope = NewDisposeScope();
        manual_seed(0);
        Tensor x = randn(1, Length, Heads, Width), dt = randn(1, Length, Heads) - 3, A = -rand(Heads) * 15 - 1, B = randn(1, Length, 1, States), C = randn(1, Length, 1, States);
        using (no_grad())
        {
            Timing.Report("Mamba-2, forward", () =>
            {
                using DisposeScope step = NewDisposeScope();
                StateSpaceDuality.Apply(x, dt, A, B, C, dt_softplus: true);
            });
        }

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
        Timing.Report("the same through Mamba-1, forward", () =>
        {
            using DisposeScope step = NewDisposeScope();
            SelectiveScan.Apply(x.view(1, Length, Heads * Width), delta, decays, B, C, delta_softplus: true);
        });
    }
}
