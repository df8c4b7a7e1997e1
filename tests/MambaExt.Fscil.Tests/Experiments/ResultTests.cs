using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Metrics;
using MambaExt.Fscil.Protocol;
using MambaExt.Fscil.Recipes;
using MambaExt.Tests.Shared;

namespace MambaExt.Fscil.Tests.Experiments;

/// <summary>Runs of several seeds put together, and the tables of them.</summary>
public sealed class ResultTests
{
    // 2 + 1 classes of 2 test images: after session 1 seed 0 has 3 of 4 and 1 of 2, seed 3 has 2 of 4 and 2 of 2.
    private static readonly FscilProtocol Protocol = new("hand", [0, 1, 2], 3, [new(0, 0, 2, [0], [0, 1, 2, 3]), new(1, 2, 1, [1], [4, 5])]);
    private static readonly int[] Truth = [0, 0, 1, 1, 2, 2];
    private static readonly FscilRun[] Runs = [Run(0, [0, 0, 1, 1], [0, 0, 1, 2, 2, 0], 2), Run(3, [0, 0, 1, 0], [0, 1, 1, 2, 2, 2], 4)];

    [Fact]
    public void Sessions_are_means_over_seeds_and_spread_is_the_sample_deviation()
    {
        FscilRun[] bases = [new("base", 0, null, null, 5, 1, 10, 0, 7), new("base", 3, null, null, 3, 1, 20, 0, 7)];
        FscilResult result = FscilResult.Of(Data(), new BaseTraining { head = "nc", choose = "test", validate_every = 2 }, Runs, bases, "DIR");
        Assert.Equal([0, 3], result.seeds);
        SessionScores first = result.sessions[0], last = result.sessions[1];
        Assert.Equal((87.5, 87.5, null), (first.overall, first.@base, first.novel));
        Near(((400 / 6.0) + (400 / 6.0)) / 2, last.overall);
        Assert.Equal((62.5, 75.0, 75.0, null), (last.@base, last.novel, last.newest, last.old_novel));
        double one = 2 * 75 * 50 / 125.0, other = 2 * 50 * 100 / 150.0;
        Near((one + other) / 2, last.harmonic!.Value);
        Near((one + other) / 2, result.harmonic_mean);
        Near(Math.Abs(one - other) / Math.Sqrt(2), result.harmonic_std!.Value);
        Near((((100 + (400 / 6.0)) / 2) + ((75 + (400 / 6.0)) / 2)) / 2, result.average);
        Near(25 / 2.0 / Math.Sqrt(2), result.average_std!.Value);
        Near(((100 - (400 / 6.0)) + (75 - (400 / 6.0))) / 2, result.drop);

        // Both runs and both backbones; one look at the test images, and one an epoch that was judged on them: 1, 3 and 5 of five.
        Near((1 + 2) + (1 + 4) + 10 + 20, result.seconds);
        Assert.Equal(("nc", "test", 4, "own", "2 + 1 x 1 classes, 1 shots (hand)"), (result.head, result.chosen_by, result.test_reads, result.variant, result.protocol));
        Assert.Null(FscilResult.Of(Data(), new BaseTraining(), Runs[..1], bases[..1], "DIR").average_std);
    }

    [Fact]
    public void Tables_hold_every_session_matrix_and_confusion()
    {
        using var folder = new TemporaryFolder();
        FscilTables.Write(folder.Path, [FscilResult.Of(Data(), new BaseTraining(), Runs, [], "DIR")]);
        Assert.Equal(
            [
                "method,seed,session,classes,overall,base,novel,old_novel,newest,harmonic",
                "teen,0,0,2,100.0000,100.0000,,,100.0000,", "teen,0,1,3,66.6667,75.0000,50.0000,,50.0000,60.0000",
                "teen,3,0,2,75.0000,75.0000,,,75.0000,", "teen,3,1,3,66.6667,50.0000,100.0000,,100.0000,66.6667",
            ],
            File.ReadAllLines(folder.File("tables", "sessions.csv")));
        Assert.Equal(["75.0000", "50.0000,100.0000"], File.ReadAllLines(folder.File("tables", "matrix-teen-seed-3.csv")));
        (string path, byte[] content) = FscilTables.Confusion(Runs[1]);
        Assert.Equal("tables/confusion-teen-seed-3.csv", path);
        Assert.Equal("1,1,0\n0,1,1\n0,0,2\n", System.Text.Encoding.UTF8.GetString(content));
    }

    private static FscilRun Run(int seed, int[] first, int[] second, double seconds) =>
        new("teen", seed, FscilScores.Of(Protocol, [(Truth[..4], first), (Truth, second)]), null, 0, 0, 1, seconds, 0);

    private static FscilData Data()
    {
        var images = new MemoryImages(new byte[6], 1, new ImageSize(1, 1), Truth);
        return new FscilData("hand", DataVariant.Own, images, images, ["a", "b", "c"], Protocol, [], []);
    }

    private static void Near(double expected, double actual) => Assert.Equal(expected, actual, 1e-9);
}
