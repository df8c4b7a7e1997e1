using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>What a resume refuses, and what does not depend on threads.</summary>
public class GraphResumeTests
{
    private static readonly string[] Small = ["graph", "train", "--epochs", "2", "--validate_every", "1", "--d_model", "8", "--d_state", "4", "--M", "1", "--m", "1"];

    [Theory]
    [InlineData("--threads", "2")]
    [InlineData("--epochs", "3")]
    [InlineData("--out", "elsewhere")]
    [InlineData("--deterministic", "true")]
    [InlineData("--checkpoint-seconds", "1")]
    public async Task Options_beside_resume_are_refused_by_name(string option, string value) =>
        (await CliRun.Here("graph", "train", "--resume", "run", option, value)).Refuses(1, option, "--resume");

    [Fact]
    public async Task A_folder_without_a_run_is_refused()
    {
        using var folder = new TemporaryFolder();
        (await CliRun.Here("graph", "train", "--resume", folder.Path)).Refuses(1, folder.Path, "no config.json");
    }

    [Theory]
    [InlineData("{", "is not JSON")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{}", "does not say how the run was started")]
    [InlineData("{\"arguments\":[7]}", "does not say how the run was started")]
    [InlineData("{\"arguments\":[\"verify\",\".\"]}", "not started by this command")]
    [InlineData("{\"arguments\":[\"graph\",\"train\",\"--resume\",\"x\"]}", "not started by this command")]
    [InlineData("{\"arguments\":[\"graph\",\"train\",\"--dataset\",\"minesweeper-grid\",\"--epochs\",\"2\"],\"threads\":1}", "cannot be resumed")]
    public async Task A_damaged_config_is_refused_in_a_sentence(string config, string words)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), config);
        (await CliRun.Here("graph", "train", "--resume", folder.Path)).Refuses(2, words);
        Assert.Equal(config, File.ReadAllText(folder.File("config.json")));
    }

    [Fact]
    public async Task A_data_file_that_has_changed_is_refused_by_name()
    {
        string planetoid = SharedData.Require("data", "graph", "planetoid");
        using TemporaryFolder data = new(), runs = new();
        data.CopyFrom(planetoid, "ind.cora.*");
        string run = Path.Combine(runs.Path, "run");
        Answer first = await CliRun.Here([.. Small, "--dataset", "cora", "--data", data.Path, "--threads", "1", "--out", run]);
        Assert.True(first.Code == 0, first.Error);

        // Two vertices change places in the list of test vertices.
        string index = data.File("ind.cora.test.index");
        string[] lines = File.ReadAllLines(index);
        (lines[0], lines[1]) = (lines[1], lines[0]);
        File.WriteAllLines(index, lines);
        (await CliRun.Here("graph", "train", "--resume", run)).Refuses(2, "cannot be resumed", "ind.cora.test.index");
    }

    [Fact]
    public async Task A_finished_run_is_resumed_to_the_same_result()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        Assert.Equal(0, (await CliRun.Here([.. Small, "--dataset", "minesweeper-grid", "--threads", "1", "--json", "true", "--out", run])).Code);
        string[] before = GridRun.Outputs(run);
        Answer again = await CliRun.Here("graph", "train", "--resume", run, "--json");
        Assert.True(again.Code == 0, again.Error);
        Assert.Equal(before, GridRun.Outputs(run));
        Assert.StartsWith("{", again.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deterministic_runs_leave_the_same_bytes_at_any_number_of_threads()
    {
        using var folder = new TemporaryFolder();
        List<string[]> outputs = [];
        foreach (string threads in new[] { "1", "2" })
        {
            string run = Path.Combine(folder.Path, "run" + threads);
            Answer answer = await CliRun.Here([.. Small, "--dataset", "minesweeper-grid", "--dropout", "0.2", "--deterministic", "--threads", threads, "--out", run]);
            Assert.True(answer.Code == 0, answer.Error);
            outputs.Add(GridRun.Outputs(run));
            Assert.Contains($"\"threads\": {threads},", File.ReadAllText(Path.Combine(run, "config.json")), StringComparison.Ordinal);
        }

        Assert.Equal(outputs[0], outputs[1]);
    }
}
