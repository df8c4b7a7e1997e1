using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Metrics;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

public sealed class PairedDifferenceTests
{
    [Fact]
    public void Differences_are_taken_seed_by_seed_whatever_the_order_of_the_runs()
    {
        // Less b: averages 2, 4, 9 (mean 5, deviation sqrt(13)); harmonic means 1, 1, 1.
        FscilResult a = Result("a", (0, 52, 41), (1, 64, 31), (2, 79, 21)), b = Result("b", (2, 70, 20), (0, 50, 40), (1, 60, 30)), c = Result("c", (1, 59, 32));
        IReadOnlyList<PairedDifference> found = PairedDifference.Of([a, b, c], "b");
        Assert.Equal(["a", "c"], found.Select(p => p.method));
        Assert.All(found, p => Assert.Equal("b", p.against));
        Assert.Equal(3, found[0].seeds);
        Assert.Equal(5, found[0].average, 1e-12);
        Assert.Equal(Math.Sqrt(13.0 / 3), found[0].average_se!.Value, 1e-12);
        Assert.Equal((1.0, 0.0), (Math.Round(found[0].harmonic_mean, 12), found[0].harmonic_se!.Value));

        // One seed has no spread.
        Assert.Equal((1, -1.0, null, 2.0, null), (found[1].seeds, found[1].average, found[1].average_se, found[1].harmonic_mean, found[1].harmonic_se));
        Refusal.Of<ArgumentException>(() => PairedDifference.Of([a, c], "b"), "compared with b", "a, c");
    }

    private static FscilResult Result(string method, params (int Seed, double Average, double Harmonic)[] runs) => new(
        "x", "own", method, [.. runs.Select(r => r.Seed)], [], 0, 0, 0, null, null, 0, 0, 0, 0,
        [.. runs.Select(r => new FscilRun(method, r.Seed, new FscilScores([], r.Average, 0, r.Harmonic, 0, 0, 0, 0, []), null, 0, 0, 0, 0, 0))], 0, "");
}
