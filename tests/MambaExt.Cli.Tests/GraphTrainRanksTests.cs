using System.Text.Json;
using MambaExt.Cli.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Cli.Tests;

/// <summary><c>mpirun -n N mambaext graph train</c>.</summary>
public class GraphTrainRanksTests
{
    private const string Program = "MambaExt.Cli.dll";

    private static readonly string[] Small =
        ["graph", "train", "--dataset", "minesweeper-grid", "--epochs", "2", "--validate_every", "1", "--d_model", "8", "--d_state", "4", "--M", "1", "--m", "1", "--mpnn_layers", "1", "--dropout", "0.3", "--threads", "1"];

    [Fact]
    public async Task Ranks_with_a_seed_each_write_what_one_process_writes()
    {
        using var folder = new TemporaryFolder();
        string one = Path.Combine(folder.Path, "one"), two = Path.Combine(folder.Path, "two");
        string[] args = [.. Small, "--seeds", "3", "--json"];
        MpiAnswer together = await MpiRun.Ranks(2, Program, [.. args, "--out", two]);
        Assert.True(together.Code == 0, together.Text);
        MpiAnswer alone = await MpiRun.Alone(Program, [.. args, "--out", one]);
        Assert.True(alone.Code == 0, alone.Text);
        Assert.Equal(File.ReadAllText(Path.Combine(one, "metrics.jsonl")), File.ReadAllText(Path.Combine(two, "metrics.jsonl")));
        foreach (string file in new[] { "model.safetensors", "config.json" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(one, "models", "graph-mamba", file)), File.ReadAllBytes(Path.Combine(two, "models", "graph-mamba", file)));
        }

        // One document, from rank 0, with every run.
        using JsonDocument result = JsonDocument.Parse(together.Out), expected = JsonDocument.Parse(alone.Out);
        Assert.Equal(Tests(expected), Tests(result));
        Assert.Equal(3, Tests(result).Length);

        static double[] Tests(JsonDocument d) => [.. d.RootElement.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("test").GetDouble())];
    }

    [Fact]
    public async Task Ranks_that_share_a_training_come_to_the_same_and_can_be_resumed()
    {
        using var folder = new TemporaryFolder();
        string one = Path.Combine(folder.Path, "one"), two = Path.Combine(folder.Path, "two");
        MpiAnswer together = await MpiRun.Ranks(2, Program, [.. Small, "--data-parallel", "--out", two]);
        Assert.True(together.Code == 0, together.Text);
        MpiAnswer alone = await MpiRun.Alone(Program, [.. Small, "--out", one]);
        Assert.True(alone.Code == 0, alone.Text);
        double[][] losses = [.. new[] { one, two }.Select(run => File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("train_loss").GetDouble()).ToArray())];
        Assert.Equal(2, losses[1].Length);
        Assert.All(losses[0].Zip(losses[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-5));

        // The newest checkpoint lies behind the training: without it and the result the last epoch is made again.
        byte[] metrics = File.ReadAllBytes(Path.Combine(two, "metrics.jsonl"));
        File.Delete(Path.Combine(two, "result.json"));
        File.Delete(Directory.GetFiles(Path.Combine(two, "checkpoint")).Order(StringComparer.Ordinal).Last());
        MpiAnswer again = await MpiRun.Ranks(2, Program, ["graph", "train", "--resume", two]);
        Assert.True(again.Code == 0, again.Text);
        Assert.Equal(metrics, File.ReadAllBytes(Path.Combine(two, "metrics.jsonl")));

        MpiAnswer fewer = await MpiRun.Alone(Program, "graph", "train", "--resume", two);
        Assert.NotEqual(0, fewer.Code);
        Assert.Contains("--data-parallel", fewer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rank_that_is_killed_ends_the_run_which_resumes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "processes are found through /proc");
        using var folder = new TemporaryFolder();
        string one = Path.Combine(folder.Path, "one"), two = Path.Combine(folder.Path, "two");
        string[] args = [.. Small, "--seeds", "8"];
        Task<MpiAnswer> running = MpiRun.Ranks(2, Program, [.. args, "--out", two]);

        // The second checkpoint is written when two of the eight are done.
        while (!running.IsCompleted && !File.Exists(Path.Combine(two, "checkpoint", "000002.safetensors")))
        {
            await Task.Delay(20);
        }

        Assert.False(running.IsCompleted, running.IsCompleted ? (await running).Text : "");
        int last = Directory.EnumerateDirectories("/proc").Select(p => int.TryParse(Path.GetFileName(p), out int id) ? id : 0).Where(id => id > 0 && IsRank(id)).Max();
        System.Diagnostics.Process.GetProcessById(last).Kill();
        MpiAnswer killed = await running;
        Assert.NotEqual(0, killed.Code);
        Assert.Contains("exited on signal 9", killed.Text, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(two, "result.json")));

        MpiAnswer resumed = await MpiRun.Ranks(2, Program, ["graph", "train", "--resume", two]), alone = await MpiRun.Alone(Program, [.. args, "--out", one]);
        Assert.True(resumed.Code == 0 && alone.Code == 0, resumed.Text + alone.Text);
        Assert.Matches(@"Resumed behind training [246]\.", resumed.Text);
        Assert.Equal(File.ReadAllText(Path.Combine(one, "metrics.jsonl")), File.ReadAllText(Path.Combine(two, "metrics.jsonl")));

        bool IsRank(int id)
        {
            try
            {
                string words = File.ReadAllText($"/proc/{id}/cmdline");
                return words.Contains(two, StringComparison.Ordinal) && !words.Contains("--oversubscribe", StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Data_parallel_in_one_process_is_refused() =>
        (await CliRun.Here([.. Small, "--data-parallel"])).Refuses(1, "--data-parallel", "mpirun -n 2");
}
