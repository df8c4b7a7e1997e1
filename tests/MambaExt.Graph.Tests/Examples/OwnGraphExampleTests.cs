using MambaExt.Tests.Shared;

namespace MambaExt.Graph.Tests.Examples;

/// <summary>The example that trains on files of one's own, and the one that reads the model it leaves, run as programs.</summary>
public class OwnGraphExampleTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task The_model_that_one_trains_the_other_reads()
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("model");
        MpiAnswer trained = await MpiRun.Alone(Soon, "OwnGraph.dll", Path.Combine(AppContext.BaseDirectory, "town"), model);
        Assert.Equal((0, ""), (trained.Code, trained.Error));
        Assert.Contains("20 of 120 vertices have no class", trained.Out, StringComparison.Ordinal);
        Assert.Contains(model, trained.Out, StringComparison.Ordinal);

        MpiAnswer predicted = await MpiRun.Alone(Soon, "Prediction.dll", model);
        Assert.Equal((0, ""), (predicted.Code, predicted.Error));
        string[] lines = predicted.Out.TrimEnd().Split('\n');
        Assert.Equal(120, lines.Length);

        // Those who have a club in the file are mostly said to be in it: it was trained on three in five of them.
        Dictionary<string, string> clubs = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "town", "clubs.csv")).Skip(1).Select(line => line.Split(',')).ToDictionary(cells => cells[0], cells => cells[1]);
        Assert.InRange(lines.Count(line => clubs.TryGetValue(line.Split(": ")[0], out string? club) && line.Contains($": {club} (", StringComparison.Ordinal)), 80, 100);
    }

    [Fact]
    public async Task A_missing_model_is_answered_in_a_sentence()
    {
        using var folder = new TemporaryFolder();
        MpiAnswer answer = await MpiRun.Alone(Soon, "Prediction.dll", folder.File("none"));
        Assert.Equal((1, ""), (answer.Code, answer.Out));
        Assert.Contains("run examples/OwnGraph first", Assert.Single(answer.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }
}
