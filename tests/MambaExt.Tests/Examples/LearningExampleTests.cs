using System.Globalization;
using System.Text.RegularExpressions;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Examples;

/// <summary>The examples that have to learn something, run as programs: a few steps here, and whole, held to their bars, in the long suite,
/// <c>MAMBAEXT_LONG_TESTS=1 dotnet test --project tests/MambaExt.Tests -c Release -- --filter-trait "Suite=long"</c>.</summary>
public sealed class LearningExampleTests
{
    private const string Induction = "InductionHeads.dll", Copying = "SelectiveCopying.dll";
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(5), Long = TimeSpan.FromHours(1);

    [Fact]
    public async Task Induction_heads_print_every_seed_and_the_best()
    {
        string[] lines = await Lines(Soon, Induction, "mamba2", "2", "2");
        double[] far = Scores(lines, @"^mamba2, seed \d+: [\d.]+ % at length 64, ([\d.]+) % at length 512, \d+ s$");
        Assert.Equal(2, far.Length);
        Assert.Equal([far.Max()], Scores(lines, @"^mamba2, best of 2: ([\d.]+) % at length 512$"));
        Assert.Equal(3, lines.Length);

        // Two steps teach nothing: one in fifteen is guessed.
        Assert.All(far, score => Assert.InRange(score, 0, 25));
    }

    [Fact]
    public async Task Selective_copying_prints_every_seed_the_means_and_the_margin()
    {
        string[] lines = await Lines(Soon, Copying, "2", "2");
        double[] means = [.. new[] { "selective", "time-invariant" }.Select(kind =>
        {
            double[] scores = Scores(lines, $@"^{kind}, seed \d+: ([\d.]+) % of the symbols right, \d+ s$");
            double mean = Assert.Single(Scores(lines, $@"^{kind}, mean of 2: ([\d.]+) %$"));
            Assert.Equal(2, scores.Length);
            Assert.Equal(scores.Average(), mean, 0.11);

            // One in ten is guessed.
            Assert.All(scores, score => Assert.InRange(score, 5, 25));
            return mean;
        })];
        Assert.Equal(means[0] - means[1], Assert.Single(Scores(lines, @"^selective above time-invariant: (-?[\d.]+) points$")), 0.11);
        Assert.Equal(7, lines.Length);
    }

    [Theory]
    [InlineData(Induction, "5 mamba2")]
    [InlineData(Induction, "1 2 3")]
    [InlineData(Copying, "99999999999")]
    public async Task Wrong_arguments_are_refused_in_a_sentence(string program, string args)
    {
        MpiAnswer answer = await MpiRun.Alone(program, args.Split(' '));
        Assert.Equal((1, ""), (answer.Code, answer.Out));
        Assert.StartsWith($"The arguments are '{args}'; give ", answer.Error);
        Assert.Single(answer.Error.Trim().Split('\n'));
    }

    [Fact]
    [Trait("Suite", "long")]
    public async Task Both_generations_carry_induction_to_eight_times_the_length()
    {
        SkipUnlessLong();
        string[] lines = await Lines(Long, Induction);
        foreach (string kind in new[] { "mamba", "mamba2" })
        {
            Assert.All(Scores(lines, $@"^{kind}, seed \d+: ([\d.]+) % at length 64"), score => Assert.True(score >= 99, $"{kind}: {score} % at the length of training"));
            Assert.InRange(Assert.Single(Scores(lines, $@"^{kind}, best of 3: ([\d.]+) % at length 512$")), 99, 100);
        }
    }

    [Fact]
    [Trait("Suite", "long")]
    public async Task Selection_beats_time_invariance_at_selective_copying()
    {
        SkipUnlessLong();
        string[] lines = await Lines(Long, Copying);
        Assert.InRange(Assert.Single(Scores(lines, @"^selective, mean of 3: ([\d.]+) %$")), 90, 100);
        Assert.InRange(Assert.Single(Scores(lines, @"^selective above time-invariant: (-?[\d.]+) points$")), 20, 100);
    }

    private static void SkipUnlessLong() =>
        Assert.SkipUnless(Environment.GetEnvironmentVariable("MAMBAEXT_LONG_TESTS") == "1", "a named suite of minutes; set MAMBAEXT_LONG_TESTS=1 to run it");

    private static async Task<string[]> Lines(TimeSpan limit, string program, params string[] args)
    {
        MpiAnswer answer = await MpiRun.Alone(limit, program, args);
        Assert.True(answer.Code == 0, answer.Text);
        foreach (string line in answer.Lines)
        {
            TestContext.Current.SendDiagnosticMessage(line);
        }

        return answer.Lines;
    }

    private static double[] Scores(string[] lines, string pattern) =>
        [.. lines.Select(line => Regex.Match(line, pattern)).Where(m => m.Success).Select(m => double.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];
}
