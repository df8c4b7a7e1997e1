using System.Text.Json;
using System.Xml.Linq;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public sealed class ReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_that_was_just_trained_gets_its_report_beside_it()
    {
        string run = Path.Combine(_folder.Path, "trained");
        Answer trained = await CliRun.Here(
            "graph", "train", "--dataset", "minesweeper-grid", "--epochs", "2", "--validate_every", "1", "--d_model", "8", "--d_state", "4", "--M", "1", "--m", "1",
            "--mpnn_layers", "1", "--threads", "2", "--seeds", "2", "--out", run);
        Assert.Equal(0, trained.Code);
        Answer answer = await CliRun.Here("report", run);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        string report = Path.Combine(run, "report.html");
        Assert.Equal(report, answer.Out.TrimEnd());
        XElement page = XDocument.Parse(File.ReadAllText(report)).Root!;
        Assert.Equal("minesweeper-grid", page.Descendants("h1").Single().Value);
        XElement chart = page.Descendants("figure").Single(f => (string?)f.Attribute("data-key") == "val");
        Assert.Equal(["seed 0", "seed 1"], chart.Descendants("path").Where(p => (string?)p.Attribute("class") == "seed").Select(p => p.Value));
    }

    [Fact]
    public async Task Json_names_the_report_and_its_runs()
    {
        string one = Run("one"), other = Run("other"), report = Path.Combine(_folder.Path, "both.html");
        Answer answer = await CliRun.Here("report", one, other, "--out", report, "--json");
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        using JsonDocument result = JsonShape.AssertGolden("report.txt", answer.Out);
        Assert.Equal(report, result.RootElement.GetProperty("report").GetString());
        Assert.Equal([one, other], result.RootElement.GetProperty("runs").EnumerateArray().Select(r => r.GetString()));
        Assert.Contains("Comparison of 2 runs", File.ReadAllText(report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_folders_and_files_are_answered_by_one_sentence()
    {
        string run = Run("run"), none = Path.Combine(_folder.Path, "none"), empty = Path.GetDirectoryName(_folder.File("empty", "x"))!;
        (await CliRun.Here("report")).Refuses(1, "No run was given");
        (await CliRun.Here("report", "")).Refuses(1, "No run was given");
        (await CliRun.Here("report", none)).Refuses(1, none, "does not exist");
        (await CliRun.Here("report", empty)).Refuses(1, "holds no run");
        (await CliRun.Here("report", run, run)).Refuses(1, "given twice");
        (await CliRun.Here("report", run, "--out", Path.Combine(run, "result.json"))).Refuses(1, "ends in .html");
        (await CliRun.Here("report", run, "--out", Path.Combine(none, "x.html"))).Refuses(1, none, "make it first");
        (await CliRun.Here("report", run, "--out", Path.GetDirectoryName(_folder.File("folder.html", "x"))!)).Refuses(1, "is a folder");
        File.WriteAllText(Path.Combine(run, "result.json"), "{");
        (await CliRun.Here("report", run)).Refuses(2, "result.json", "a JSON object");
        Assert.Equal(["result.json"], Directory.GetFiles(run).Select(Path.GetFileName));
        Assert.Empty(Directory.GetFileSystemEntries(empty));
    }

    private string Run(string name)
    {
        string result = _folder.File(name, "result.json");
        File.WriteAllText(result, """{"dataset": "cora", "model": "graph-mamba", "test_mean": 81.5, "runs": []}""");
        return Path.GetDirectoryName(result)!;
    }
}
