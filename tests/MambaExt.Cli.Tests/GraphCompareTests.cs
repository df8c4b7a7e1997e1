using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>A table of two models, an epoch each: what is under test is the command.</summary>
public class GraphCompareTests
{
    private static readonly string[] Small = ["graph", "compare", "--datasets", "minesweeper-grid", "--epochs", "1", "--threads", "1"];

    [Fact]
    public async Task Json_is_a_cell_a_model_and_done_cells_are_not_run_again()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "table");
        Answer first = await CliRun.Here([.. Small, "--models", "mlp", "--trials", "2", "--json", "--out", run]);
        Assert.Equal(0, first.Code);
        using JsonDocument result = JsonShape.AssertGolden("graph-compare.txt", first.Out);
        JsonElement cell = Assert.Single(result.RootElement.GetProperty("cells").EnumerateArray());
        Assert.Equal(["recipe", "dropout 0.5"], cell.GetProperty("trials").EnumerateArray().Select(t => t.GetProperty("change").GetString()));
        Assert.Single(cell.GetProperty("trials").EnumerateArray(), t => t.GetProperty("chosen").GetBoolean());

        // The trials have not read the test vertices, and say so by having no score there.
        Assert.Equal(1, cell.GetProperty("test_reads").GetInt32());
        string[] lines = first.Error.Split('\n');
        Assert.Equal(2, lines.Count(line => line.Contains("trial", StringComparison.Ordinal) && line.Contains("epochs in", StringComparison.Ordinal) && !line.Contains("test", StringComparison.Ordinal)));
        byte[] kept = File.ReadAllBytes(Path.Combine(run, "minesweeper-grid", "mlp", "metrics.jsonl"));

        Answer second = await CliRun.Here([.. Small, "--models", "mlp,gcn", "--trials", "2", "--json", "--out", run]);
        Assert.Equal(0, second.Code);
        JsonArray cells = (JsonArray)JsonNode.Parse(second.Out)!["cells"]!;
        Assert.Equal(["mlp", "gcn"], cells.Select(c => c!["model"]!.GetValue<string>()));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(first.Out)!["cells"]![0], cells[0]));
        Assert.Equal(kept, File.ReadAllBytes(Path.Combine(run, "minesweeper-grid", "mlp", "metrics.jsonl")));
        Assert.Contains("mlp, minesweeper-grid: done before.", second.Error, StringComparison.Ordinal);
        Assert.Equal(["minesweeper-grid", "report.html", "result.json"], Directory.GetFileSystemEntries(run).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_cell_of_other_settings_is_not_taken_for_the_one_that_was_asked_for()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, (await CliRun.Here([.. Small, "--models", "mlp", "--out", folder.Path])).Code);
        (await CliRun.Here([.. Small, "--models", "mlp", "--seeds", "2", "--out", folder.Path])).Refuses(2, "cannot be resumed", "runs was");
    }

    [Fact]
    public async Task An_interrupted_table_goes_on_to_the_same_scores()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a signal is sent, which Windows has not");
        using var folder = new TemporaryFolder();
        string cut = Path.Combine(folder.Path, "cut"), whole = Path.Combine(folder.Path, "whole");
        string[] words = ["graph", "compare", "--datasets", "minesweeper-grid", "--models", "mlp", "--epochs", "30", "--threads", "1"];
        string metrics = Path.Combine(cut, "minesweeper-grid", "mlp", "metrics.jsonl");
        using (var process = new CliProcess([.. words, "--out", cut]))
        {
            Assert.True(process.Until(() => File.Exists(metrics) && new FileInfo(metrics).Length > 0));
            process.Signal("INT");
            Answer stopped = process.Wait();
            Assert.Equal(130, stopped.Code);
            Assert.Contains($"--out {cut}", stopped.Error, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await CliRun.Here([.. words, "--out", cut])).Code);
        Assert.Equal(0, (await CliRun.Here([.. words, "--out", whole])).Code);
        string Metrics(string run) => File.ReadAllText(Path.Combine(run, "minesweeper-grid", "mlp", "metrics.jsonl"));
        Assert.Equal(Metrics(whole), Metrics(cut));
    }

    [Fact]
    public async Task The_table_has_a_row_a_model()
    {
        using var folder = new TemporaryFolder();
        Answer answer = await CliRun.Here([.. Small, "--models", "mlp", "--out", folder.Path]);
        Assert.Equal(0, answer.Code);
        Assert.Matches(@"\n\s+mlp\s+\d+\.\d\d\s+\d+\.\d\d\s+1\s+101,953\s", answer.Out);
        Assert.Contains("s/epoch", answer.Out, StringComparison.Ordinal);

        // Drawn, not published: nothing that others published belongs beside it.
        Assert.DoesNotContain("published:", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_that_goes_to_a_file_has_each_row_on_one_line()
    {
        using var folder = new TemporaryFolder();
        using var process = new CliProcess([.. Small, "--models", "deep-mamba-no-scan", "--out", folder.Path]);
        Answer answer = process.Wait();
        Assert.Equal(0, answer.Code);
        Assert.Matches(@"\n\s+deep-mamba-no-scan\s+\d+\.\d\d\s+\d+\.\d\d\s+1\s+\d+,\d+\s+\d+\.\d+\s+\d+\s+1\s*\n", answer.Out);
    }
}
