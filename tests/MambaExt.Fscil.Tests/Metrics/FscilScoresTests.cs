using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Fscil.Tests.Metrics;

public sealed class FscilScoresTests
{
    // 2 + 1 + 1 classes with 2 test images each.
    private static readonly FscilProtocol Protocol = new("hand", [0, 1, 2, 3], 4,
    [
        new FscilSession(0, 0, 2, [0], [0, 1, 2, 3]), new FscilSession(1, 2, 1, [1], [4, 5]), new FscilSession(2, 3, 1, [2], [6, 7]),
    ]);

    private static readonly int[] Truth = [0, 0, 1, 1, 2, 2, 3, 3];

    // After session 0: 4 of 4. After 1: base 3 of 4, novel 1 of 2. After 2: base 2 of 4, session 1 both, session 2 none.
    private static readonly (int[], int[])[] Answers =
    [
        (Truth[..4], [0, 0, 1, 1]), (Truth[..6], [0, 0, 1, 2, 2, 1]), (Truth, [0, 3, 1, 2, 2, 2, 2, 2]),
    ];

    [Fact]
    public void A_run_of_three_sessions_by_hand()
    {
        FscilScores s = FscilScores.Of(Protocol, Answers);
        Near(100, s.sessions[0].overall);
        Near(400 / 6.0, s.sessions[1].overall);
        Near(50, s.sessions[2].overall);
        Assert.Equal((75.0, 50.0, null, 50.0), (s.sessions[1].@base, s.sessions[1].novel, s.sessions[1].old_novel, s.sessions[1].newest));
        Assert.Equal((50.0, 50.0, 100.0, 0.0), (s.sessions[2].@base, s.sessions[2].novel, s.sessions[2].old_novel, s.sessions[2].newest));
        Near((100 + (400 / 6.0) + 50) / 3, s.average);
        Near(50, s.drop);
        Near((60 + 50) / 2.0, s.harmonic_mean);
        Near(50, s.harmonic_last);
        Assert.Equal([[100.0], [75, 50], [50, 100, 0]], s.matrix);

        // Base: best before the end 100, at the end 50; session 1: 50 and 100.
        Near((50 + -50) / 2.0, s.forgetting);
        Near((-50 + 50) / 2.0, s.bwt);
        Assert.Equal(new[,] { { 1, 0, 0, 1 }, { 0, 1, 1, 0 }, { 0, 0, 2, 0 }, { 0, 0, 2, 0 } }, s.Confusion);
        Assert.Equal([2, 3, 4], s.sessions.Select(x => x.classes));
    }

    [Fact]
    public void Generalized_accuracy_is_the_area_that_a_sum_over_many_weights_gives()
    {
        FscilScores s = FscilScores.Of(Protocol, Answers);
        const int Steps = 200_000;
        const double Ratio = 2;
        double area = 0;
        for (int i = 0; i < Steps; i++)
        {
            double a = Ratio * (i + 0.5) / Steps;
            area += s.matrix.Average(row => ((a * row[0]) + row[1..].Sum()) / (a + row.Length - 1)) / Steps;
        }

        Assert.Equal(area, s.g_acc, 1e-6);
    }

    [Fact]
    public void Nothing_right_at_all_is_a_harmonic_mean_of_zero()
    {
        (int[], int[])[] wrong = [(Truth[..4], [1, 1, 0, 0]), (Truth[..6], [1, 1, 0, 0, 0, 0])];
        FscilScores s = FscilScores.Of(Protocol, wrong);
        Near(0, s.sessions[1].harmonic!.Value);
        Near(0, s.harmonic_mean);
        Assert.Null(s.sessions[0].harmonic);
        Assert.Null(s.sessions[0].novel);
    }

    private static void Near(double expected, double actual) => Assert.Equal(expected, actual, 1e-9);
}
