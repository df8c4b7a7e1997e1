using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using MambaExt.Reports;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Reports;

/// <summary>What lies in a run folder may be damaged, or meant to do harm.</summary>
public sealed class HostileRunTests : IDisposable
{
    private const string Bad = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"&]]>--><!--\u0001\u202e";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_from_files_stay_text()
    {
        string run = SampleRun.Write(_folder, "run<b>&'", model: Bad, result: r =>
        {
            foreach (string key in new[] { "dataset", "variant", "metric" })
            {
                r[key] = Bad;
            }

            r["classes"]![0] = Bad;
        }, config: c => c[Bad] = Bad);

        // A key of metrics, a control character, and half a character, which is no text.
        File.AppendAllText(Path.Combine(run, "metrics.jsonl"), "{\"model\":\"graph\\u0000\",\"epoch\":1,\"</style><script>\":1}\n{\"model\":\"\\ud83d\",\"val\":1}\n");
        var (page, text) = SampleRun.Report(run);
        Assert.Contains(Bad[..20], page.Value, StringComparison.Ordinal);
        Assert.Contains("1 line of metrics.jsonl could not be read", text, StringComparison.Ordinal);
        Assert.Empty(page.Descendants("script"));
        Assert.Empty(page.Descendants("img"));
        Assert.DoesNotContain("<script", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("\u202e", text, StringComparison.Ordinal);
        Assert.DoesNotContain(page.DescendantsAndSelf().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("default-src 'none'", (string?)page.Descendants("meta").Single(m => (string?)m.Attribute("http-equiv") == "Content-Security-Policy").Attribute("content"), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_no_numbers_leave_a_gap_in_the_path()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1, epochs: 3);
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), new[] { "1", "\"NaN\"", "\"Infinity\"", "2", "3" }.Select((value, i) => $"{{\"seed\":0,\"epoch\":{i + 1},\"val\":{value},\"bad\":\"NaN\"}}"));
        var (page, text) = SampleRun.Report(run);
        string path = (string)Assert.Single(page.Chart("val").Of("path", "seed")).Attribute("d")!;
        Assert.Equal(2, path.Count(c => c == 'M'));
        Assert.Equal(1, path.Count(c => c == 'L'));
        Assert.DoesNotContain("NaN", path, StringComparison.Ordinal);
        Assert.Contains("Bad: no value is finite", text, StringComparison.Ordinal);
        Assert.Equal(["1", "NaN", "∞", "2", "3"], page.Chart("val").Descendants("tbody").Single().Elements().Select(row => row.Elements().Last().Value));
    }

    [Theory]
    [InlineData("1e308", "-1e308")]
    [InlineData("1e400", "1")]
    [InlineData("1e-320", "2e-320")]
    [InlineData("1e15", "1000000000000000.1")]
    [InlineData("5", "5")]
    [InlineData("0", "-0")]
    [InlineData("1e-300", "1e300")]
    public void Any_two_values_can_be_drawn(string one, string other)
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1, result: r => r["test_mean"] = JsonNode.Parse(one));
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), Enumerable.Range(0, 2).SelectMany(seed => new[] { one, other }.Select((value, i) => $"{{\"seed\":{seed},\"epoch\":{i + 1},\"val\":{value},\"loss\":{value}}}")));
        var (page, _) = SampleRun.Report(run);
        foreach (string path in page.Descendants("path").Attributes("d").Select(d => d.Value))
        {
            Assert.Matches(@"^[MLhHvVZ0-9. -]+$", path);
            Assert.All(path.Split(['M', 'L', 'h', 'H', 'v', 'V', 'Z', ' '], StringSplitOptions.RemoveEmptyEntries), n => Assert.InRange(double.Parse(n, CultureInfo.InvariantCulture), -20, 420));
        }
    }

    [Fact]
    public void A_torn_last_line_is_ignored_and_other_damage_is_counted()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1, epochs: 5), metrics = Path.Combine(run, "metrics.jsonl");
        File.AppendAllText(metrics, "{\"seed\":0,\"epoch\":6,\"val\":");
        Assert.DoesNotContain("Damaged", SampleRun.Report(run).Text, StringComparison.Ordinal);
        string deep = new string('[', 100_000), wide = new('1', JsonLines.LongestLine + 5);
        File.WriteAllText(metrics, $"null\n{deep}\n{{\"seed\":0,\"epoch\":1,\"val\":50}}\n{wide}\n\n{{\"seed\":0,\"epoch\":2,\"val\":60}}");
        var (page, text) = SampleRun.Report(run);
        Assert.Contains("3 lines of metrics.jsonl could not be read", text, StringComparison.Ordinal);
        Assert.Equal(["150", "260"], page.Chart("val").Descendants("tbody").Single().Elements().Select(row => row.Value));
    }

    [Fact]
    public void An_epoch_written_again_after_a_resume_counts_once()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1);
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), new[] { (1, 10), (2, 20), (3, 30), (2, 21), (3, 31) }.Select(p => $"{{\"seed\":0,\"epoch\":{p.Item1},\"val\":{p.Item2}}}"));
        Assert.Equal(["110", "221", "331"], SampleRun.Report(run).Page.Chart("val").Descendants("tbody").Single().Elements().Select(row => row.Value));
    }

    [Fact]
    public void Long_metrics_are_thinned_and_no_spike_is_lost()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1);
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), Enumerable.Range(1, 1_000_000).Select(i => $"{{\"seed\":0,\"step\":{i},\"train_loss\":{(i == 777_777 ? 9 : 1 + i % 7 * 0.01)}}}"));
        var (page, _) = SampleRun.Report(run);
        string path = (string)Assert.Single(page.Chart("train_loss").Of("path", "seed")).Attribute("d")!;
        Assert.InRange(path.Count(c => c == 'L'), 150, LineChart.MostPoints);
        double[] heights = [.. path.Split(['M', 'L'], StringSplitOptions.RemoveEmptyEntries).Select(p => double.Parse(p.Split(' ', 'h')[1], CultureInfo.InvariantCulture))];
        Assert.Single(heights, y => y < 100);
        Assert.InRange(new FileInfo(Path.Combine(run, "report.html")).Length, 1000, 60_000);
    }

    [Fact]
    public void Many_keys_and_runs_are_cut_with_a_word()
    {
        string run = SampleRun.Write(_folder, "run", seeds: 1);
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), Enumerable.Range(0, 3000).Select(i => $"{{\"seed\":{i},\"epoch\":1,\"key{i}\":1,\"val\":{i}}}"));
        var (page, text) = SampleRun.Report(run);
        Assert.Contains("Too many curves.", text, StringComparison.Ordinal);
        Assert.Equal(LineChart.MostLines, page.Chart("val").Of("path", "seed").Count());
        Assert.Equal(12, page.Descendants("figure").Count(f => f.Attribute("data-key") is not null));
        Assert.InRange(text.Length, 1000, 1_000_000);
    }

    [Theory]
    [InlineData("config.json", "[1]", "a JSON object")]
    [InlineData("result.json", "{\"runs\": [", "line 1")]
    [InlineData("result.json", "", "a JSON object")]
    [InlineData("result.json", "{\"model\": \"\\ud83d\"}", "no JSON")]
    public void Documents_that_are_no_objects_are_refused(string name, string content, string words)
    {
        string run = SampleRun.Write(_folder, "run");
        File.WriteAllText(Path.Combine(run, name), content);
        Refused(run, name, words);
    }

    [Fact]
    public void Deep_and_long_documents_are_refused()
    {
        string run = SampleRun.Write(_folder, "run"), result = Path.Combine(run, "result.json");
        File.WriteAllText(result, string.Concat(Enumerable.Repeat("{\"a\":", 1000)) + "1" + new string('}', 1000));
        Refused(run, "result.json", "nested at most 64 deep");
        using (FileStream stream = File.Create(result))
        {
            stream.SetLength(RunRecord.LargestDocument + 1);
        }

        Refused(run, "result.json", "at most 16,777,216");
        File.Delete(result);
        using (FileStream stream = File.Create(Path.Combine(run, "metrics.jsonl")))
        {
            stream.SetLength(RunRecord.LargestMetrics + 1);
        }

        Refused(run, "metrics.jsonl", "at most 268,435,456");
    }

    [Fact]
    public void Absent_keys_and_keys_of_another_kind_are_no_error()
    {
        string run = SampleRun.Write(_folder, "run", result: r =>
        {
            r["runs"] = JsonNode.Parse("[1, null, {}, {\"seed\": \"x\", \"test\": [], \"confusion\": {}}, []]");
            r["classes"] = "none";
            r["ablations"] = JsonNode.Parse("[3, {}]");
            r["parameters"] = "many";
            r.Remove("metric");
        }, config: c => c["files"] = 3);
        var (page, _) = SampleRun.Report(run);
        Assert.Equal(2, page.Rows("model").Length);
        File.WriteAllText(Path.Combine(run, "result.json"), "{}");
        File.WriteAllText(Path.Combine(run, "config.json"), "{}");
        File.Delete(Path.Combine(run, "metrics.jsonl"));
        Assert.Contains("unnamed data", SampleRun.Report(run).Text, StringComparison.Ordinal);
    }

    private void Refused(string run, params string[] words)
    {
        string report = Path.Combine(_folder.Path, "report.html");
        string message = Assert.Throws<InvalidDataException>(() => RunReport.Write([run], report)).Message;
        Assert.All(words, word => Assert.Contains(word, message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', message);
        Assert.False(File.Exists(report));
    }
}
