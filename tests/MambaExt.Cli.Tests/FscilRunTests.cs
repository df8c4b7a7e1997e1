using System.Text.Json;
using MambaExt.Cli.Commands;
using MambaExt.Cli.Tests.Support;
using SkiaSharp;

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
        Assert.All(new[] { "Accuracy on all classes so far after each session", "Class means, their two main directions", "confusion matrix of the test part", "accuracy by session, %", ">Old novel<", ">Peak memory<", "accuracy on the classes of each session (columns)" }, part => Assert.Contains(part, report, StringComparison.Ordinal));
        Assert.Equal(5, File.ReadAllLines(Path.Combine(run, "tables", "sessions.csv")).Length);
        Assert.Equal(10, File.ReadAllLines(Path.Combine(run, "tables", "confusion-mambaext-seed-0.csv")).Length);

        string model = Path.Combine(run, "models", "mambaext-seed-0");
        (await CliRun.Here("fscil", "predict", model)).Refuses(1, "No image was named");
        (await CliRun.Here("fscil", "predict", model, folder.File("none.png"))).Refuses(1, "none.png", "does not exist");
        (await CliRun.Here("fscil", "predict", model, "--add", folder.Path)).Refuses(2, "JPEG or PNG");
    }

    [Fact]
    public async Task Compare_runs_the_ablations_by_one_command_and_says_how_sure_each_difference_is()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        string[] small = ["--dataset", "digits", "--threads", "1", "--set", "training.epochs=1,backbone.width=4,views=1,projector.width=16,projector.hidden=16,projector_training.epochs=1,incremental.iterations=6"];
        string[] compare = ["fscil", "compare", .. small, "--seeds", "2", "--methods", "mamba-fscil,no-zero-start,no-freezing,no-suppression,no-separation"];
        Answer answer = await CliRun.Here([.. compare, "--against", "mamba-fscil", "--json", "--out", run]);
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument document = JsonShape.AssertGolden("fscil-compare.txt", answer.Out);
        JsonElement[] paired = [.. document.RootElement.GetProperty("paired").EnumerateArray()];
        Assert.Equal(["no-zero-start", "no-freezing", "no-suppression", "no-separation"], paired.Select(p => p.GetProperty("method").GetString()));

        // What the table of differences says is what the rows say.
        JsonElement[] results = [.. document.RootElement.GetProperty("results").EnumerateArray()];
        for (int i = 0; i < paired.Length; i++)
        {
            Assert.Equal("mamba-fscil", paired[i].GetProperty("against").GetString());
            Assert.Equal(results[i + 1].GetProperty("average").GetDouble() - results[0].GetProperty("average").GetDouble(), paired[i].GetProperty("average").GetDouble(), 1e-9);
            Assert.True(paired[i].GetProperty("average_se").GetDouble() >= 0 && results[i].GetProperty("average_std").GetDouble() > 0);
        }

        Assert.Contains("Less mamba-fscil, seed by seed", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
        // The second seed by itself is what it is behind the first.
        Answer second = await CliRun.Here(["fscil", "run", .. small, "--seeds", "1", "--first_seed", "1", "--method", "mamba-fscil", "--json", "--out", Path.Combine(folder.Path, "second")]);
        Assert.True(second.Code == 0, second.Error);
        using JsonDocument alone = JsonDocument.Parse(second.Out);
        JsonElement own = alone.RootElement.GetProperty("runs")[0], there = results[0].GetProperty("runs")[1];
        Assert.Equal(1, own.GetProperty("seed").GetInt32());
        Assert.Equal(there.GetProperty("scores").GetProperty("average").GetDouble(), own.GetProperty("scores").GetProperty("average").GetDouble());

        Answer table = await CliRun.Here(["fscil", "compare", "--resume", run]);
        Assert.Contains("less mamba-fscil, by seed", table.Out, StringComparison.Ordinal);
        Assert.Matches(@"no-freezing +\d+\.\d\d ± \d+\.\d\d ", table.Out);
        (await CliRun.Here([.. compare, "--against", "mamba-fscl"])).Refuses(1, "not among --methods", "did you mean mamba-fscil?");
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
    [InlineData(64, true)]
    [InlineData(32, false)]
    public async Task A_run_on_photographs_sees_them_in_the_size_that_its_recipe_asks_for(int side, bool tellsApart)
    {
        // Lines across, lines along and a chequered board, a pixel wide, with three pixels in ten turned over: in half the size only what was turned over is left.
        var random = new Random(1);
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 60; i++)
        {
            using var picture = new SKBitmap(64, 64);
            for (int at = 0; at < 64 * 64; at++)
            {
                (int y, int x) = (at / 64, at % 64);
                bool black = (i % 3 == 0 ? x : i % 3 == 1 ? y : x + y) % 2 == 0 != (random.Next(10) < 3);
                picture.SetPixel(x, y, black ? SKColors.Black : SKColors.White);
            }

            using SKData data = picture.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(folder.File("photographs", $"class{i % 3}", $"{i}.png"), data.ToArray());
        }

        Answer answer = await CliRun.Here(
            "fscil", "run", "--dataset", "folder", "--data", Path.Combine(folder.Path, "photographs"), "--base-classes", "2", "--ways", "1", "--shots", "2", "--method", "ncm-pixels",
            "--set", $"backbone.image_size={side}", "--threads", "1", "--json", "--out", Path.Combine(folder.Path, "run"));
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument document = JsonDocument.Parse(answer.Out);
        double average = document.RootElement.GetProperty("average").GetDouble();
        Assert.True(tellsApart ? average > 99.9 : average < 75, $"{average:f1}");
    }

    [Theory]
    [InlineData("cpu", "training.epochs=2", 32)]
    [InlineData("cpu", "backbone.image_size=84", 84)]
    [InlineData("cpu", "backbone.image_size=100000", 32)]
    [InlineData("paper", "backbone.image_size=84", 0)]
    public void Photographs_are_brought_to_the_size_that_enters_the_backbone(string profile, string change, int side) =>
        Assert.Equal(side, FscilDataChoice.PhotoSize(profile, "folder", [change]));

    [Theory]
    [InlineData("--base-classes 9 --ways 2 --shots 5", "data has 10 classes")]
    [InlineData("--base-classes 4 --ways 2 --shots 5000", "and 5000 and 1 are needed")]
    [InlineData("--ways 2", "--base-classes is missing")]
    [InlineData("--max-classes 9", "the protocol has 10 classes")]
    [InlineData("--set projector.width=8", "8 wide and the protocol has 10 classes")]
    [InlineData("--set backbone.image_size=100000", "4 to 1024")]
    [InlineData("--set incremental.base_copies=null", "which it cannot take; give one like [1]")]
    [InlineData("--set training.epoch=8", "did you mean training.epochs?")]
    public async Task What_cannot_be_is_refused_before_anything_is_trained(string options, string words) =>
        (await CliRun.Here(["fscil", "run", "--dataset", "digits", .. options.Split(' ')])).Refuses(1, words);
}
