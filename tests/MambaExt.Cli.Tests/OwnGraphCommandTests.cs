using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public sealed class OwnGraphCommandTests : IDisposable
{
    private static readonly string[] Small = ["--epochs", "2", "--validate_every", "1", "--d_model", "4", "--d_state", "2", "--M", "1", "--m", "1", "--mpnn_layers", "1", "--threads", "1"];

    private readonly TemporaryFolder _folder = new();

    public OwnGraphCommandTests() => OwnFiles.Write(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_graph_of_ones_own_is_trained_resumed_and_predicted()
    {
        string run = Path.Combine(_folder.Path, "run");
        Answer answer = await CliRun.Here(
            ["graph", "train", "--graph", File("e.csv"), "--features", File("f.csv"), "--labels", File("l.csv"), "--split-file", File("s.csv"), "--metric", "roc-auc", "--json", "--out", run, .. Small]);
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument result = JsonDocument.Parse(answer.Out);
        Assert.Equal(("e", "own", "roc_auc"), (Text(result, "dataset"), Text(result, "variant"), Text(result, "metric")));
        Assert.Contains("20 vertices, 20 edges, 3 dense features, 2 classes, 1 split of 12 / 4 / 4, ROC AUC", answer.Error, StringComparison.Ordinal);
        Assert.Contains("e.csv: line 1 ('source, target') is taken for names of columns", answer.Error, StringComparison.Ordinal);
        using JsonDocument config = JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(run, "config.json")));
        Assert.Equal(["e.csv", "f.csv", "l.csv", "s.csv"], config.RootElement.GetProperty("files").EnumerateArray().Select(f => f.GetProperty("Name").GetString()));

        Answer resumed = await CliRun.Here("graph", "train", "--resume", run, "--json");
        Assert.True(resumed.Code == 0, resumed.Error);
        System.IO.File.AppendAllText(File("l.csv"), "\n");
        (await CliRun.Here("graph", "train", "--resume", run)).Ends(2, "cannot be resumed", "l.csv");

        Answer predicted = await CliRun.Here("graph", "predict", "--model", run, "--graph", File("e.csv"), "--features", File("f.csv"));
        Assert.True(predicted.Code == 0, predicted.Error);
        string[] lines = predicted.Out.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal([.. Enumerable.Range(0, 20).Select(v => $"v{v}")], lines.Skip(1).Select(line => line.Split(',')[0]));
        (await CliRun.Here("graph", "predict", "--model", run)).Refuses(1, "somebody's own, 'e'", "--graph FILE");
        (await CliRun.Here("graph", "predict", "--model", run, "--graph", File("e.csv"))).Ends(1, "2 features", "3");
    }

    [Theory]
    [InlineData("--header yes", "node,label")]
    [InlineData("--split-seed 5", "drawn at random, 60 / 20 / 20 %, seed 5")]
    public async Task Options_of_own_graphs_change_what_is_read(string option, string mention)
    {
        string[] words = ["graph", "train", "--graph", File("e.csv"), "--labels", File("l.csv"), "--out", Path.Combine(_folder.Path, "run"), .. Small, .. option.Split(' ')];
        Answer answer = await CliRun.Here(words);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains(option.StartsWith("--header", StringComparison.Ordinal) ? "is taken for names of columns" : mention, answer.Error, StringComparison.Ordinal);
        Assert.Contains("logarithm of the degree", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_header_the_first_line_is_an_edge()
    {
        Answer answer = await CliRun.Here(
            ["graph", "train", "--graph", File("e.csv"), "--labels", File("l.csv"), "--header", "no", "--out", Path.Combine(_folder.Path, "run"), .. Small]);
        Assert.Contains("23 vertices", answer.Error, StringComparison.Ordinal);
        (await CliRun.Here("graph", "train", "--graph", File("e.csv"), "--features", File("f.csv"), "--labels", File("l.csv"), "--header", "no")).Refuses(2, "f.csv, line 1", "'x'");
    }

    [Fact]
    public async Task Mistakes_in_the_files_are_one_sentence_and_leave_no_run()
    {
        System.IO.File.AppendAllText(File("e.csv"), "v3,nobody\n");
        string run = Path.Combine(_folder.Path, "run");
        (await CliRun.Here("graph", "train", "--graph", File("e.csv"), "--features", File("f.csv"), "--labels", File("l.csv"), "--out", run)).Refuses(2, "e.csv, line 22", "'nobody'", "f.csv");
        Assert.False(Directory.Exists(run));
    }

    private static string Text(JsonDocument document, string key) => document.RootElement.GetProperty(key).GetString()!;

    private string File(string name) => Path.Combine(_folder.Path, name);
}
