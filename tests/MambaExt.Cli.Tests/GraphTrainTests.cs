using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>A small model, two epochs: what is under test is the command, not the model.</summary>
public class GraphTrainTests
{
    private static readonly string[] Small =
        ["graph", "train", "--dataset", "minesweeper-grid", "--epochs", "2", "--validate_every", "1", "--d_model", "8", "--d_state", "4", "--M", "1", "--m", "1", "--mpnn_layers", "1", "--threads", "2"];

    [Fact]
    public async Task Json_is_the_whole_of_standard_output_and_equals_result_json()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Answer answer = await CliRun.Here([.. Small, "--json", "--out", run]);
        Assert.Equal(0, answer.Code);
        using JsonDocument result = JsonShape.AssertGolden("graph-train.txt", answer.Out);
        Assert.Equal("minesweeper-grid", result.RootElement.GetProperty("dataset").GetString());
        Assert.Equal("roc_auc", result.RootElement.GetProperty("metric").GetString());
        Assert.Equal(1, result.RootElement.GetProperty("test_reads").GetInt32());
        Assert.Equal(run, result.RootElement.GetProperty("run_dir").GetString());
        using JsonDocument kept = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "result.json")));
        Assert.True(JsonElement.DeepEquals(result.RootElement, kept.RootElement));
        Assert.Contains("10,000 vertices", answer.Error, StringComparison.Ordinal);
        Assert.Contains("run 1 of 1 (seed 0, split 0)", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_folder_holds_options_metrics_and_result()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "deep", "run");
        Answer answer = await CliRun.Here([.. Small, "--seeds", "2", "--learning_rate", "0.02", "--mpnn", "GCN", "--mpnn_residual", "false", "--out", run]);
        Assert.Equal(0, answer.Code);
        Assert.Equal(["checkpoint", "config.json", "metrics.jsonl", "models", "report.html", "result.json"], Directory.GetFileSystemEntries(run).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "config.json")));
        JsonElement options = config.RootElement.GetProperty("options"), training = config.RootElement.GetProperty("training");
        Assert.Equal("gcn", options.GetProperty("mpnn").GetString());
        Assert.False(options.GetProperty("mpnn_residual").GetBoolean());
        Assert.Equal(8, options.GetProperty("d_model").GetInt32());
        Assert.Equal(0.02, training.GetProperty("learning_rate").GetDouble());
        Assert.Equal(2, config.RootElement.GetProperty("threads").GetInt32());
        JsonElement[] lines = [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal([(0, 1), (0, 2), (1, 1), (1, 2)], lines.Select(line => (line.GetProperty("seed").GetInt32(), line.GetProperty("epoch").GetInt32())));
        Assert.EndsWith($"Run: {run}\nReport: {Path.Combine(run, "report.html")}", answer.Out.ReplaceLineEndings("\n").TrimEnd(), StringComparison.Ordinal);
        Assert.All(answer.Out.Split('\n').SkipLast(3), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("graph-mamba", answer.Out, StringComparison.Ordinal);
        Assert.Contains('±', answer.Out);
    }

    [Fact]
    public async Task Ablations_add_the_model_without_each_branch()
    {
        using var folder = new TemporaryFolder();
        Answer answer = await CliRun.Here([.. Small, "--ablations", "--json", "--out", Path.Combine(folder.Path, "run")]);
        Assert.Equal(0, answer.Code);
        using JsonDocument result = JsonDocument.Parse(answer.Out);
        Assert.Equal(["no-scan", "no-mpnn"], result.RootElement.GetProperty("ablations").EnumerateArray().Select(a => a.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task Same_command_writes_the_same_metrics()
    {
        using var folder = new TemporaryFolder();
        byte[][] metrics = new byte[2][];
        for (int i = 0; i < 2; i++)
        {
            string run = Path.Combine(folder.Path, $"run{i}");
            Assert.Equal(0, (await CliRun.Here([.. Small, "--out", run])).Code);
            metrics[i] = File.ReadAllBytes(Path.Combine(run, "metrics.jsonl"));
        }

        Assert.NotEmpty(metrics[0]);
        Assert.Equal(metrics[0], metrics[1]);
    }

    [Fact]
    public async Task A_folder_that_holds_a_run_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json");
        (await CliRun.Here([.. Small, "--out", folder.Path])).Refuses(1, folder.Path, "already holds a run");
        Assert.Equal("x", File.ReadAllText(folder.File("config.json")));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_run_folder_below_a_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        string below = Path.Combine(folder.Write("file"), "run");
        (await CliRun.Here([.. Small, "--out", below])).Refuses(2, below);
    }

    [Fact]
    public async Task Interrupting_ends_with_130_and_no_half_written_file()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a signal is sent, which Windows has not");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Answer answer = await CliRun.Process(
            ["graph", "train", "--dataset", "minesweeper-grid", "--epochs", "10000", "--d_model", "8", "--m", "1", "--json", "--out", run],
            atFirstProgress: process => System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit());
        Assert.Equal(130, answer.Code);
        Assert.Empty(answer.Out);
        Assert.EndsWith($"Go on with: mambaext graph train --resume {run}", answer.Error.TrimEnd(), StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(run, "checkpoint")));
        Assert.Empty(Directory.GetFiles(run, "*.partial", SearchOption.AllDirectories));
        Assert.False(File.Exists(Path.Combine(run, "result.json")));
    }
}
