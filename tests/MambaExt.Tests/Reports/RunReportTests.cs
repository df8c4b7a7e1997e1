using System.Text.Json.Nodes;
using System.Xml.Linq;
using MambaExt.Reports;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Reports;

public sealed class RunReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_chart_holds_one_path_a_seed_their_mean_and_its_band()
    {
        var (page, _) = SampleRun.Report(SampleRun.Write(_folder, "run", seeds: 3));
        Assert.All(["train_loss", "val_loss", "val", "lr"], key =>
        {
            XElement chart = page.Chart(key);
            Assert.Equal(["seed 0", "seed 1", "seed 2"], chart.Of("path", "seed").Select(path => path.Value));
            Assert.Single(chart.Of("path", "mean"));
            Assert.Single(chart.Of("path", "band"));
        });
        Assert.Equal(3, page.Chart("val").Of("circle", "chosen").Count(c => c.HasElements));
        Assert.Empty(page.Descendants("script"));
    }

    [Fact]
    public void One_seed_has_neither_mean_nor_band()
    {
        var (page, _) = SampleRun.Report(SampleRun.Write(_folder, "run", seeds: 1));
        Assert.Single(page.Chart("val").Of("path", "seed"));
        Assert.Empty(page.Of("path", "mean"));
        Assert.Empty(page.Of("path", "band"));
        Assert.Equal(["graph-mamba", "81.50", "80.25", "1"], Assert.Single(page.Rows("model"))[..4]);
    }

    [Fact]
    public void Numbers_below_a_chart_are_those_of_the_metrics()
    {
        var (page, _) = SampleRun.Report(SampleRun.Write(_folder, "run", seeds: 2, epochs: 4));
        string[][] rows = [.. page.Chart("val").Descendants("tbody").Single().Elements().Select(row => row.Elements().Select(cell => cell.Value).ToArray())];
        Assert.Equal(["1", "40.5", "0.70711", "40", "41"], rows[0]);
        Assert.Equal(["4", "70.5", "0.70711", "70", "71"], rows[3]);
    }

    [Fact]
    public void Results_and_runs_are_the_rows_of_their_tables()
    {
        var (page, _) = SampleRun.Report(SampleRun.Write(_folder, "run", seeds: 2, result: r => r["ablations"] = new JsonArray(SampleRun.Result("no-scan", 2, 20))));
        string[][] models = page.Rows("model");
        Assert.Equal(["graph-mamba", "81.50 ± 0.75", "80.25 ± 0.00", "2", "20", "12,345", "3.0", "500 MB"], models[0]);
        Assert.Equal("no-scan", models[1][0]);
        Assert.Equal(4, page.Rows("run").Length);
        Assert.Equal(["1", "0", "82.00", "80.25", "10", "20", "1.5"], page.Rows("run")[1]);
    }

    [Fact]
    public void A_class_has_a_row_with_precision_recall_and_support()
    {
        var (page, _) = SampleRun.Report(SampleRun.Write(_folder, "run", seeds: 2));
        string[][] rows = page.Rows("class");
        Assert.Equal(SampleRun.Classes, rows.Select(row => row[0]));

        // Both runs: [[8, 2, 0], [1, 9, 0], [5, 0, 5]].
        Assert.Equal(["57.14", "80.00 ± 0.00", "66.67", "20"], rows[0][1..]);
        Assert.Equal(["100.00", "50.00 ± 0.00", "66.67", "20"], rows[2][1..]);
        XElement matrix = Assert.Single(page.Of("table", "confusion"));
        Assert.Equal(["16", "4", "0", "2", "18", "0", "10", "0", "10"], matrix.Descendants("td").Select(cell => cell.Value));
        Assert.Equal("80.0 % of Case_Based taken for Case_Based", (string?)matrix.Descendants("td").First().Attribute("title"));
    }

    [Fact]
    public void Runs_without_a_matrix_are_told_apart_and_broken_matrices_left_out()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 4, result: r =>
        {
            JsonArray runs = r["runs"]!.AsArray();
            runs[1]!["confusion"] = JsonNode.Parse("[[1, 2], [3]]");
            runs[2]!["confusion"] = JsonNode.Parse("[[1, -2, 0], [1, 9, 0], [5, 0, 1e300]]");
            runs[3]!.AsObject().Remove("confusion");
        });
        var (page, text) = SampleRun.Report(run);
        Assert.Contains("3 of 4 runs recorded no confusion matrix", text, StringComparison.Ordinal);
        Assert.Equal("10", page.Rows("class")[0][4]);
    }

    [Fact]
    public void A_run_without_a_result_is_shown_as_not_finished()
    {
        string run = SampleRun.Write(_folder, "run");
        File.Delete(Path.Combine(run, "result.json"));
        var (page, text) = SampleRun.Report(run);
        Assert.Contains("Not finished.", text, StringComparison.Ordinal);
        Assert.Equal(3, page.Chart("val").Of("path", "seed").Count());
        Assert.Empty(page.Rows("model"));
    }

    [Fact]
    public void Unofficial_data_are_said_plainly()
    {
        void Unofficial(JsonObject document) => document["variant"] = "unofficial: 12 train";
        string run = SampleRun.Write(_folder, "run", result: Unofficial, config: c =>
        {
            Unofficial(c);
            c["files"] = JsonNode.Parse("[{\"Name\": \"ind.cora.x\", \"Official\": false}, {\"Name\": \"ind.cora.y\", \"Official\": true}]");
        });
        var (page, _) = SampleRun.Report(run);
        XElement warning = Assert.Single(page.Of("p", "warning"));
        Assert.StartsWith("Unofficial data.", warning.Value, StringComparison.Ordinal);
        Assert.Contains("(ind.cora.x)", warning.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_runs_are_compared_by_the_options_in_which_they_differ()
    {
        string one = SampleRun.Write(_folder, "one"), other = SampleRun.Write(_folder, "other", config: c => c["training"]!["learning_rate"] = 0.03, result: r => r["test_mean"] = 83.25);
        var (page, text) = SampleRun.Report(one, other);
        Assert.Equal(["training.learning_rate", "0.01", "0.03"], Assert.Single(page.Rows("difference")));
        Assert.Contains("5 other options are equal.", text, StringComparison.Ordinal);
        XElement dots = page.Of("svg", "dots").First();
        Assert.Equal(2, dots.Of("g", "row").Count());
        Assert.Contains("83.25 ± 0.75", dots.Value, StringComparison.Ordinal);
        Assert.Equal(["#run-0", "#run-1"], page.Descendants("nav").Single().Descendants("a").Select(a => (string?)a.Attribute("href")));
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Distinct().Count(), ids.Length);
    }

    [Fact]
    public void Results_of_other_commands_become_tables()
    {
        string run = _folder.File("run", "result.json");
        File.WriteAllText(run, """{"dataset": "cub", "average": 71.5, "sessions": [{"session": 0, "overall": 80.5}, {"session": 1, "overall": 75.25}]}""");
        var (page, text) = SampleRun.Report(Path.GetDirectoryName(run)!);
        Assert.Contains("71.5", text, StringComparison.Ordinal);
        Assert.Equal(["080.5", "175.25"], page.Descendants("tbody").Last().Elements().Select(row => row.Value));
    }

    [Fact]
    public void Sessions_are_shown_once_and_every_model_counts_by_its_own_axis()
    {
        string run = _folder.File("run", "result.json");
        File.WriteAllText(run, """
            {"results": [{"method": "teen", "average": 71.5, "sessions": [{"session": 0, "overall": 80.5}, {"session": 1, "overall": 75.25}], "runs": [],
                          "trials": [{"change": "teen_alpha 0.5", "average": 33.25, "chosen": true}]}]}
            """);
        File.WriteAllLines(
            Path.Combine(Path.GetDirectoryName(run)!, "metrics.jsonl"),
            ["""{"model": "base", "epoch": 1, "train_loss": 2.5}""", """{"model": "base", "epoch": 2, "train_loss": 1.5}""", """{"model": "teen", "session": 0, "overall": 80.5}""", """{"model": "teen", "session": 1, "overall": 75.25}"""]);
        var (page, text) = SampleRun.Report(Path.GetDirectoryName(run)!);
        Assert.Equal(1, page.Descendants("h2").Concat(page.Descendants("h3")).Count(h => h.Value is "Results" or "Sessions"));
        Assert.Contains("teen_alpha 0.5", text, StringComparison.Ordinal);
        Assert.Equal(["epoch", "session"], page.Descendants("figure").Where(f => f.Attribute("data-key") is not null).Select(f => f.Descendants("th").First().Value));
    }

    [Fact]
    public void What_lies_within_an_entry_of_a_list_has_a_column_or_is_counted()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1);
        string path = System.IO.Path.Combine(run, "result.json");
        File.WriteAllText(path, """
            {"runs": [{"part": "teacher", "held_out": {"nll": 0.5, "kl": null}, "scales": null, "curve": [{"x": 1}, {"x": 2}]},
                      {"part": "student", "held_out": {"nll": 0.25, "kl": null}, "scales": [1, 0.5], "curve": [1, 2, 3, 4, 5, 6, 7, 8, 9]}]}
            """);
        var (page, _) = SampleRun.Report(run);
        XElement table = page.Descendants("table").Single(t => t.Value.Contains("Held out nll", StringComparison.Ordinal));
        string[][] rows = [.. table.Descendants("tr").Select(row => row.Elements().Select(cell => cell.Value).ToArray())];
        Assert.Equal(["Part", "Held out nll", "Curve", "Scales"], rows[0]);
        Assert.Equal(["teacher", "0.5", "2 entries", "–"], rows[1]);
        Assert.Equal(["student", "0.25", "9 entries", "1, 0.5"], rows[2]);
        Assert.DoesNotContain("{", table.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_seeds_of_cora_fit_into_a_megabyte()
    {
        var random = new Random(0);
        string run = SampleRun.Write(_folder, "run", seeds: 10, epochs: 200, result: r => r["ablations"] = new JsonArray(SampleRun.Result("no-scan", 10, 200), SampleRun.Result("no-mpnn", 10, 200)));
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), from model in new[] { "graph-mamba", "no-scan", "no-mpnn" }
                                                               from seed in Enumerable.Range(0, 10)
                                                               from epoch in Enumerable.Range(1, 200)
                                                               select $"{{\"model\":\"{model}\",\"seed\":{seed},\"split\":0,\"epoch\":{epoch},\"train_loss\":{random.NextDouble()},\"val_loss\":{random.NextDouble()},\"val\":{100 * random.NextDouble()},\"lr\":{random.NextDouble()},\"seconds\":{random.NextDouble()}}}");
        var (page, text) = SampleRun.Report(run);
        Assert.Equal(150, page.Of("path", "seed").Count());
        Assert.InRange(new FileInfo(Path.Combine(run, "report.html")).Length, 50_000, 1_000_000);
        Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_folders_are_refused_by_a_sentence_and_leave_no_report()
    {
        string run = SampleRun.Write(_folder, "run"), empty = Path.Combine(_folder.Path, "empty"), report = Path.Combine(_folder.Path, "report.html");
        Directory.CreateDirectory(empty);
        Refusal.Of<DirectoryNotFoundException>(() => RunReport.Write([Path.Combine(_folder.Path, "none")], report), "none", "does not exist");
        Refusal.Of<FileNotFoundException>(() => RunReport.Write([empty], report), "empty", "holds no run");
        Refusal.Of<ArgumentException>(() => RunReport.Write([run, run + "/"], report), "given twice");
        Refusal.Of<ArgumentException>(() => RunReport.Write([], report), "1 to 100");
        Assert.False(File.Exists(report));
    }
}
