using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;
using MambaExt.Graph.DataSets;

namespace MambaExt.Cli.Tests;

/// <summary>The graph commands on a data set whose graphs are classified.</summary>
public class WholeGraphTests
{
    private static readonly string[] Small = ["--model", "gin", "--d_model", "8", "--layers", "2", "--threads", "1"];

    [Fact]
    public async Task Train_predict_and_compare_speak_of_graphs_with_the_same_keys()
    {
        string data = SharedData.Require("data");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Answer trained = await CliRun.Here(["graph", "train", "--dataset", "mutag", "--data", data, .. Small, "--epochs", "3", "--splits", "2", "--json", "--out", run]);
        Assert.True(trained.Code == 0, trained.Error);
        Assert.Contains("188 graphs", trained.Error, StringComparison.Ordinal);
        JsonNode result = JsonNode.Parse(trained.Out)!;
        Assert.Equal([0, 1], ((JsonArray)result["runs"]!).Select(r => r!["split"]!.GetValue<int>()));
        Assert.Equal(2, result["test_reads"]!.GetValue<int>());
        Assert.True(File.Exists(Path.Combine(run, "report.html")));

        Answer predicted = await CliRun.Here("graph", "predict", "--model", run, "--data", data, "--threads", "1", "--json");
        Assert.True(predicted.Code == 0, predicted.Error);
        using JsonDocument document = JsonShape.AssertGolden("graph-predict.txt", predicted.Out);
        Assert.Equal((188, 3371), (document.RootElement.GetProperty("graphs").GetInt32(), document.RootElement.GetProperty("vertices").GetInt32()));

        // The folder keeps the model of the better fold, whose test score it reproduces.
        JsonNode kept = ((JsonArray)result["runs"]!).MaxBy(r => r!["val"]!.GetValue<double>())!;
        GraphDataSet mutag = GraphDataSets.LoadGraphs("mutag", data);
        int[] classes = [.. document.RootElement.GetProperty("classes").EnumerateArray().Select(c => c.GetInt32())], test = mutag.Folds[kept["split"]!.GetValue<int>()].Test;
        Assert.Equal(kept["test"]!.GetValue<double>(), 100.0 * test.Count(g => classes[g] == mutag.Labels[g]) / test.Length, 1e-9);

        string file = Path.Combine(folder.Path, "classes.csv");
        Assert.Equal($"188 graphs: {file}", (await CliRun.Here("graph", "predict", "--model", run, "--data", data, "--out", file)).Out.TrimEnd());
        Assert.Equal("graph,class,p_0,p_2", File.ReadLines(file).First());
        (await CliRun.Here("graph", "predict", "--model", run, "--graph", file)).Refuses(1, "--graph", "whole graphs");

        Answer table = await CliRun.Here("graph", "compare", "--datasets", "mutag", "--models", "gin,deep-mamba", "--data", data, "--epochs", "1", "--threads", "1", "--json", "--out", Path.Combine(folder.Path, "table"));
        Assert.True(table.Code == 0, table.Error);
        JsonNode cells = JsonNode.Parse(table.Out)!;
        Assert.Equal(["gin", "deep-mamba"], ((JsonArray)cells["cells"]!).Select(c => c!["model"]!.GetValue<string>()));
        Assert.Equal("GIN", cells["published"]![0]!["model"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_interrupted_run_goes_on_to_the_same_bytes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a signal is sent, which Windows has not");
        string data = SharedData.Require("data");
        using var folder = new TemporaryFolder();
        string cut = Path.Combine(folder.Path, "cut"), whole = Path.Combine(folder.Path, "whole"), metrics = Path.Combine(cut, "metrics.jsonl");
        string[] words = ["graph", "train", "--dataset", "mutag", "--data", data, .. Small, "--epochs", "30"];
        using (var process = new CliProcess([.. words, "--out", cut]))
        {
            Assert.True(process.Until(() => File.Exists(metrics) && new FileInfo(metrics).Length > 0));
            process.Signal("INT");
            Assert.Equal(130, process.Wait().Code);
        }

        Assert.Equal(0, (await CliRun.Here("graph", "train", "--resume", cut)).Code);
        Assert.Equal(0, (await CliRun.Here([.. words, "--out", whole])).Code);
        Assert.Equal(File.ReadAllText(Path.Combine(whole, "metrics.jsonl")), File.ReadAllText(metrics));
        Assert.Equal(30, File.ReadLines(metrics).Count());
    }

    [Fact]
    public async Task Options_of_the_other_task_are_refused()
    {
        string data = SharedData.Require("data");
        (await CliRun.Here("graph", "train", "--dataset", "mutag", "--data", data, "--pool", "none")).Refuses(1, "pool is none", "mean, sum or max");
        (await CliRun.Here("graph", "train", "--dataset", "mutag", "--data", data, "--splits", "11")).Refuses(1, "1 to 10");
        (await CliRun.Here("graph", "train", "--dataset", "minesweeper-grid", "--pool", "mean")).Refuses(1, "pool is mean", "vertices");
    }
}
