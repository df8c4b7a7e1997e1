using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;
using MambaExt.Graph.DataSets;
using MambaExt.Training;

namespace MambaExt.Cli.Tests;

/// <summary>A small model of the mine field, trained once.</summary>
public sealed class GraphPredictTests(GraphPredictTests.Trained trained) : IClassFixture<GraphPredictTests.Trained>
{
    private string Run => trained.Run;

    private string Model => Path.Combine(Run, "models", "graph-mamba");

    [Fact]
    public async Task Predictions_reproduce_the_test_result_of_the_run()
    {
        Answer answer = await CliRun.Here("graph", "predict", "--model", Model, "--threads", "1", "--json");
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument document = JsonShape.AssertGolden("graph-predict.txt", answer.Out);
        int[] classes = [.. document.RootElement.GetProperty("classes").EnumerateArray().Select(c => c.GetInt32())];
        float[][] probabilities = [.. document.RootElement.GetProperty("probabilities").EnumerateArray().Select(p => p.EnumerateArray().Select(x => x.GetSingle()).ToArray())];
        NodeDataSet data = MinesweeperGrid.Draw(0);
        JsonObject result = (JsonObject)((JsonArray)JsonNode.Parse(File.ReadAllText(Path.Combine(Run, "result.json")))!["runs"]!)[0]!;
        AssertConfusion(data, classes, result);
        int[] test = data.Splits[0].Test;
        Assert.Equal((double)result["test"]!, 100 * Metrics.RocAuc([.. test.Select(v => probabilities[v][1])], [.. test.Select(v => data.Labels[v])]), 0.01);
        Assert.All(probabilities, p => Assert.Equal(1, p.Sum(), 1e-5));
        Assert.All(probabilities.Zip(classes), p => Assert.Equal(p.First.Max(), p.First[p.Second]));
    }

    [Fact]
    public async Task Accuracy_of_several_classes_is_reproduced_exactly()
    {
        string data = SharedData.Require("data");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Answer trainedCora = await CliRun.Here("graph", "train", "--dataset", "cora", "--data", data, "--epochs", "4", "--d_model", "8", "--M", "1", "--m", "1", "--threads", "1", "--normalise_features", "true", "--out", run);
        Assert.True(trainedCora.Code == 0, trainedCora.Error);
        Answer answer = await CliRun.Here("graph", "predict", "--model", run, "--data", data, "--threads", "1", "--json");
        Assert.True(answer.Code == 0, answer.Error);
        int[] classes = [.. ((JsonArray)JsonNode.Parse(answer.Out)!["classes"]!).Select(c => (int)c!)];
        NodeDataSet cora = GraphDataSets.Load("cora", data);
        JsonObject result = (JsonObject)((JsonArray)JsonNode.Parse(File.ReadAllText(Path.Combine(run, "result.json")))!["runs"]!)[0]!;
        AssertConfusion(cora, classes, result);
        int[] test = cora.Splits[0].Test;
        Assert.Equal((double)result["test"]!, 100 * Metrics.Accuracy([.. test.Select(v => classes[v])], [.. test.Select(v => cora.Labels[v])]), 1e-9);

        // Another data set has another width.
        (await CliRun.Here("graph", "predict", "--model", run, "--dataset", "minesweeper-grid")).Ends(1, "7 features", "trained on 1433");
    }

    [Fact]
    public async Task Csv_has_a_line_a_vertex_and_goes_where_out_says()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "classes.csv");
        Answer printed = await CliRun.Here("graph", "predict", "--model", Run, "--threads", "1");
        Answer written = await CliRun.Here("graph", "predict", "--model", Run, "--threads", "1", "--out", file);
        Assert.Equal((0, 0), (printed.Code, written.Code));
        Assert.Equal(printed.Out.ReplaceLineEndings("\n"), File.ReadAllText(file).ReplaceLineEndings("\n"));
        Assert.Equal($"10000 vertices: {file}", written.Out.TrimEnd());
        string[] lines = printed.Out.ReplaceLineEndings("\n").TrimEnd().Split('\n');
        Assert.Equal(10001, lines.Length);
        Assert.Equal("vertex,class,p_0,p_1", lines[0]);
        for (int v = 0; v < 10000; v += 997)
        {
            string[] cells = lines[v + 1].Split(',');
            double[] p = [.. cells[2..].Select(c => double.Parse(c, CultureInfo.InvariantCulture))];
            Assert.Equal(v.ToString(CultureInfo.InvariantCulture), cells[0]);
            Assert.Equal(p[1] > p[0] ? "1" : "0", cells[1]);
            Assert.Equal(1, p.Sum(), 1e-5);
        }

        Assert.Empty(Directory.GetFiles(folder.Path, "*.partial"));
    }

    [Fact]
    public async Task Folders_that_hold_no_model_or_several_are_refused()
    {
        using var folder = new TemporaryFolder();
        (await CliRun.Here("graph", "predict")).Refuses(1, "--model is missing");
        (await CliRun.Here("graph", "predict", "--model", folder.Path)).Refuses(1, folder.Path, "no model folder");
        (await CliRun.Here("graph", "predict", "--model", Model, "--json", "--out", "x.csv")).Refuses(1, "--out", "--json");
        Directory.CreateDirectory(Path.Combine(folder.Path, "models", "a"));
        Directory.CreateDirectory(Path.Combine(folder.Path, "models", "b"));
        (await CliRun.Here("graph", "predict", "--model", folder.Path)).Refuses(1, "holds 2 models (a, b)");
        string below = Path.Combine(folder.Write("file"), "out.csv");
        (await CliRun.Here("graph", "predict", "--model", Model, "--out", below)).Ends(1, "out.csv");
    }

    [Theory]
    [InlineData("config.json", "{\"kind\":\"fscil\"}", "fscil")]
    [InlineData("config.json", "{\"kind\":\"graph-mamba-node\"}", "restore")]
    [InlineData("config.json", "{\"kind\":\"graph-mamba-node\",\"features\":\"x\"}", "restore")]
    [InlineData("config.json", "{", "is not JSON")]
    [InlineData("labels.json", "[\"only one\"]", "2 classes with 1 names")]
    [InlineData("labels.json", "7", "list of class names")]
    [InlineData("model.safetensors", "no tensors", "model.safetensors")]
    public async Task Damaged_model_folders_are_refused_in_a_sentence(string file, string content, string words)
    {
        using var folder = new TemporaryFolder();
        folder.CopyFrom(Model, "*");
        File.WriteAllText(folder.File(file), content);
        (await CliRun.Here("graph", "predict", "--model", folder.Path)).Refuses(2, words);
    }

    private static void AssertConfusion(NodeDataSet data, int[] classes, JsonObject run)
    {
        int[][] counts = [.. Enumerable.Range(0, data.ClassCount).Select(_ => new int[data.ClassCount])];
        foreach (int v in data.Splits[0].Test)
        {
            counts[data.Labels[v]][classes[v]]++;
        }

        Assert.Equal(JsonSerializer.Serialize(counts), run["confusion"]!.ToJsonString());
    }

    public sealed class Trained : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("mambaext-").FullName;

        public string Run => Path.Combine(_folder, "run");

        public async ValueTask InitializeAsync()
        {
            Answer answer = await CliRun.Here(
                "graph", "train", "--dataset", "minesweeper-grid", "--epochs", "6", "--validate_every", "2", "--d_model", "8", "--d_state", "4", "--M", "1", "--m", "1", "--mpnn_layers", "2", "--threads", "1", "--out", Run);
            Assert.True(answer.Code == 0, answer.Error);
        }

        public ValueTask DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
