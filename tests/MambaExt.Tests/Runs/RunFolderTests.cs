using System.Text.Json;
using MambaExt.Runs;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _parent = Directory.CreateTempSubdirectory("mambaext").FullName;

    private string Target => Path.Combine(_parent, "deep", "run");

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void A_run_leaves_config_metrics_and_result()
    {
        using (var run = new RunFolder(Target))
        {
            run.WriteConfig(new { d_model = 8, note = "größer < kleiner" });
            run.AppendMetrics(new { epoch = 1, loss = 0.5 });
            run.AppendMetrics(new { epoch = 2, loss = 0.25 });

            // What has been appended can be read while the run goes on.
            Assert.Equal(["{\"epoch\":1,\"loss\":0.5}", "{\"epoch\":2,\"loss\":0.25}"], Read("metrics.jsonl"));
            run.WriteResult(new { accuracy = 91.5 });
            run.WriteResult(new { accuracy = 92.5 });
            Assert.Equal(Target, run.Path);
        }

        Assert.Equal(["config.json", "metrics.jsonl", "result.json"], Directory.GetFiles(Target).Select(f => Path.GetFileName(f)).Order());
        Assert.Contains("größer < kleiner", File.ReadAllText(Path.Combine(Target, "config.json")), StringComparison.Ordinal);
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(Target, "result.json")));
        Assert.Equal(92.5, result.RootElement.GetProperty("accuracy").GetDouble());
    }

    [Theory]
    [InlineData("metrics.jsonl")]
    [InlineData("config.json")]
    [InlineData("result.json")]
    public void An_existing_run_is_refused_and_left_alone(string file)
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, file), "old");
        Refusal.Of<ArgumentException>(() => new RunFolder(Target), Target, "already holds a run", "another folder");
        Assert.Equal([Path.Combine(Target, file)], Directory.GetFiles(Target));
        Assert.Equal("old", File.ReadAllText(Path.Combine(Target, file)));
    }

    [Fact]
    public void A_folder_with_other_files_is_taken()
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "notes.txt"), "mine");
        new RunFolder(Target).Dispose();
        Assert.True(File.Exists(Path.Combine(Target, "notes.txt")));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_refused()
    {
        string file = Path.Combine(_parent, "file");
        File.WriteAllText(file, "");
        Refusal.Of<IOException>(() => new RunFolder(Path.Combine(file, "run")), "cannot be written", "give a folder");
        Refusal.Of<IOException>(() => new RunFolder(file), "cannot be written", "give a folder");
    }

    [Fact]
    public void A_folder_without_write_permission_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.UserName == "root", "permissions do not bind this user");
        if (OperatingSystem.IsWindows())
        {
            return; // the analyzer does not know that SkipWhen has left
        }

        Directory.CreateDirectory(Target);
        File.SetUnixFileMode(Target, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Refusal.Of<IOException>(() => new RunFolder(Target), "cannot be written", "give a folder");
    }

    [Fact]
    public void A_result_that_cannot_be_written_leaves_the_old_one_whole()
    {
        using var run = new RunFolder(Target);
        run.WriteResult(new { accuracy = 1 });
        string before = File.ReadAllText(Path.Combine(Target, "result.json"));
        Assert.ThrowsAny<Exception>(() => run.WriteResult(new { good = 1, bad = new Broken() }));
        Assert.Equal(before, File.ReadAllText(Path.Combine(Target, "result.json")));
        Assert.Empty(Directory.GetFiles(Target, "*.partial"));
    }

    [Fact]
    public void A_loss_that_is_no_number_is_written_and_does_not_end_the_run()
    {
        using var run = new RunFolder(Target);
        run.AppendMetrics(new { loss = double.NaN, best = double.NegativeInfinity });
        run.WriteResult(new { loss = double.NaN });
        Assert.Equal(["{\"loss\":\"NaN\",\"best\":\"-Infinity\"}"], Read("metrics.jsonl"));
    }

    [Fact]
    public void New_paths_are_not_taken()
    {
        string first = RunFolder.NewPath(_parent, "graph");
        Directory.CreateDirectory(first);
        string second = RunFolder.NewPath(_parent, "graph");
        Assert.NotEqual(first, second);
        Assert.False(Directory.Exists(second));
    }

    private string[] Read(string name)
    {
        using var reader = new StreamReader(new FileStream(Path.Combine(Target, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class Broken
    {
        public int Value => throw new InvalidOperationException("no value");
    }
}
