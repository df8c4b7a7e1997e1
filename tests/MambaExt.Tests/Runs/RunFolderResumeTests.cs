using MambaExt.Runs;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Runs;

public sealed class RunFolderResumeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Metrics => Path.Combine(_folder.Path, "metrics.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_behind_a_checkpoint_are_taken_back_and_new_ones_follow()
    {
        long length;
        using (var run = new RunFolder(_folder.Path))
        {
            run.WriteConfig(new { });
            run.AppendMetrics(new { epoch = 1 });
            length = run.FlushMetrics();
            run.AppendMetrics(new { epoch = 2 });
        }

        File.AppendAllText(Metrics, "{\"epo");
        using (var run = RunFolder.Open(_folder.Path))
        {
            run.CutMetrics(length);
            run.AppendMetrics(new { epoch = 3 });
        }

        Assert.Equal("{\"epoch\":1}\n{\"epoch\":3}\n", File.ReadAllText(Metrics));
    }

    [Fact]
    public void A_file_shorter_than_at_the_checkpoint_is_refused_and_left_alone()
    {
        Start();
        using var run = RunFolder.Open(_folder.Path);
        Refusal.Of<InvalidDataException>(() => run.CutMetrics(1000), "has 12 bytes", "1000 at the checkpoint", "start the run anew");
        Refusal.Of<InvalidDataException>(() => run.CutMetrics(-1), "-1");
        Assert.Equal(12, run.FlushMetrics());
    }

    [Fact]
    public void A_last_line_torn_after_the_checkpoint_is_put_back()
    {
        Start();
        using (var metrics = File.OpenWrite(Metrics))
        {
            metrics.SetLength(5);
        }

        using (var run = RunFolder.Open(_folder.Path))
        {
            run.CutMetrics(12, "{\"epoch\":1}\n");
            run.AppendMetrics(new { epoch = 2 });
        }

        Assert.Equal("{\"epoch\":1}\n{\"epoch\":2}\n", File.ReadAllText(Metrics));
    }

    [Fact]
    public void A_folder_without_a_run_is_refused()
    {
        Refusal.Of<DirectoryNotFoundException>(() => RunFolder.Open(_folder.Path), "holds no run", "no config.json");
        Refusal.Of<DirectoryNotFoundException>(() => RunFolder.Open(_folder.File("none", "run")), "holds no run");
    }

    [Fact]
    public void A_run_that_is_under_way_is_refused_and_what_it_is_writing_stays()
    {
        using var run = new RunFolder(_folder.Path);
        run.WriteConfig(new { });
        string half = _folder.Write("result.json.partial");
        Refusal.Of<IOException>(() => RunFolder.Open(_folder.Path), "no other run may be writing");
        Assert.True(File.Exists(half));
    }

    [Fact]
    public void What_a_killed_run_was_writing_is_removed()
    {
        Start();
        string half = _folder.Write("result.json.partial");
        RunFolder.Open(_folder.Path).Dispose();
        Assert.False(File.Exists(half));
    }

    private void Start()
    {
        using var run = new RunFolder(_folder.Path);
        run.WriteConfig(new { });
        run.AppendMetrics(new { epoch = 1 });
    }
}
