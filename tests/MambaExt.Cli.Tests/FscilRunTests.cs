using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>The fscil commands end to end on the digits that the library carries.</summary>
public sealed class FscilRunTests
{
    private static readonly string[] Small = ["--dataset", "digits", "--set", "training.epochs=2,backbone.width=4", "--threads", "1"];

    [Fact]
    public async Task Run_prints_its_contract_and_leaves_a_model_that_predicts()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Answer answer = await CliRun.Here(["fscil", "run", .. Small, "--json", "--out", run]);
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument document = JsonShape.AssertGolden("fscil-run.txt", answer.Out);
        Assert.Equal("mambaext", document.RootElement.GetProperty("method").GetString());
        Assert.Equal([4, 6, 8, 10], document.RootElement.GetProperty("sessions").EnumerateArray().Select(s => s.GetProperty("classes").GetInt32()));
        Assert.Contains("base session: 2 epochs", answer.Error, StringComparison.Ordinal);
        string report = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.All(new[] { "Accuracy on all classes so far after each session", "Class means, their two main directions", "confusion matrix of the test part" }, part => Assert.Contains(part, report, StringComparison.Ordinal));
        Assert.Equal(5, File.ReadAllLines(Path.Combine(run, "tables", "sessions.csv")).Length);
        Assert.Equal(10, File.ReadAllLines(Path.Combine(run, "tables", "confusion-mambaext-seed-0.csv")).Length);

        string model = Path.Combine(run, "models", "mambaext-seed-0");
        (await CliRun.Here("fscil", "predict", model)).Refuses(1, "No image was named");
        (await CliRun.Here("fscil", "predict", model, folder.File("none.png"))).Refuses(1, "none.png", "does not exist");
        (await CliRun.Here("fscil", "predict", model, "--add", folder.Path)).Refuses(2, "JPEG or PNG");
    }

    [Fact]
    public async Task Split_writes_lists_that_run_reads()
    {
        using var folder = new TemporaryFolder();
        string lists = Path.Combine(folder.Path, "lists");
        Answer split = await CliRun.Here("fscil", "split", "--dataset", "digits", "--base-classes", "6", "--ways", "2", "--shots", "3", "--seed", "4", "--out", lists);
        Assert.True(split.Code == 0, split.Error);
        Assert.Contains("6 + 2 x 2 classes, 3 shots (seed 4)", split.Out, StringComparison.Ordinal);
        Answer run = await CliRun.Here(["fscil", "run", .. Small, "--method", "ncm-pixels", "--lists", lists, "--out", Path.Combine(folder.Path, "run")]);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("6 + 2 x 2 classes, 3 shots (lists)", run.Out, StringComparison.Ordinal);
        (await CliRun.Here(["fscil", "run", .. Small, "--lists", lists, "--ways", "2"])).Refuses(1, "--lists", "--ways");
    }

    [Theory]
    [InlineData("--base-classes 9 --ways 2 --shots 5", "data has 10 classes")]
    [InlineData("--base-classes 4 --ways 2 --shots 5000", "and 5000 and 1 are needed")]
    [InlineData("--ways 2", "--base-classes is missing")]
    [InlineData("--max-classes 9", "the protocol has 10 classes")]
    [InlineData("--set projector.width=8", "8 wide and the protocol has 10 classes")]
    [InlineData("--set training.epoch=8", "did you mean training.epochs?")]
    public async Task What_cannot_be_is_refused_before_anything_is_trained(string options, string words) =>
        (await CliRun.Here(["fscil", "run", "--dataset", "digits", .. options.Split(' ')])).Refuses(1, words);
}
