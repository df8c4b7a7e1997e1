using MambaExt.Cli.Tests.Support;
using MambaExt.Kernels;

namespace MambaExt.Cli.Tests;

/// <summary>
/// Real processes, killed. The long suite kills at least 20 times at random and 6 times within a checkpoint write; it is left out unless
/// asked for: <c>MAMBAEXT_LONG_TESTS=1 dotnet test --project tests/MambaExt.Cli.Tests -c Release -- --filter-trait "Suite=long"</c>.
/// </summary>
public class KillAndResumeTests
{
    [Theory]
    [InlineData("0", 2, 1, 1)]
    [InlineData("0.3", 2, 0, 2)]
    public void Killed_runs_end_with_the_numbers_of_one_that_was_not(string checkpointSeconds, int random, int inWrite, int seed) =>
        KillUntil(checkpointSeconds, random, inWrite, seed);

    [Theory]
    [Trait("Suite", "long")]
    [InlineData("0", 14, 6, 3)]
    [InlineData("0.3", 8, 0, 4)]
    public void Killed_runs_end_with_the_numbers_of_one_that_was_not_at_length(string checkpointSeconds, int random, int inWrite, int seed)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("MAMBAEXT_LONG_TESTS") == "1", "a named suite of minutes; set MAMBAEXT_LONG_TESTS=1 to run it");
        KillUntil(checkpointSeconds, random, inWrite, seed);
    }

    [Fact]
    public void Planted_torn_files_are_survived()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run"), checkpoints = Path.Combine(run, "checkpoint"), metrics = Path.Combine(run, "metrics.jsonl");
        using (var process = new CliProcess(GridRun.Start(run, "0")))
        {
            Assert.True(process.Until(() => Lines(metrics) >= 4));
            process.Kill();
            process.Wait();
        }

        string newest = Directory.GetFiles(checkpoints, "*.safetensors").Order(StringComparer.Ordinal).Last();
        Cut(newest, length => length / 2);
        Cut(metrics, length => length - 5);
        File.WriteAllText(newest + ".partial", "half a checkpoint");
        File.WriteAllText(Path.Combine(run, "result.json.partial"), "{");
        using var resumed = new CliProcess(GridRun.Resume(run));
        Answer answer = resumed.Wait();
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("is damaged and left aside", answer.Error, StringComparison.Ordinal);
        Assert.NotNull(GridRun.Told(answer.Error));
        Assert.Equal(GridRun.Reference.Outputs, GridRun.Outputs(run));
        Assert.Empty(Directory.GetFiles(run, "*.partial", SearchOption.AllDirectories));
        Assert.False(File.Exists(Path.Combine(run, "run.lock")));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_saves_says_how_to_go_on_and_ends_with_130(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a signal is sent, which Windows has not");
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        using (var process = new CliProcess(GridRun.Start(run, "30")))
        {
            Assert.True(process.Until(() => Lines(Path.Combine(run, "metrics.jsonl")) >= 3));
            process.Signal(signal);
            Answer stopped = process.Wait();
            Assert.Equal(130, stopped.Code);
            Assert.EndsWith($"Go on with: mambaext graph train --resume {run}", stopped.Error.TrimEnd(), StringComparison.Ordinal);
        }

        (int Finished, long Step) saved = GridRun.Position(run)!.Value;
        Assert.True(saved is (0, >= 6) or (1, _), $"{saved}");

        // Another number of threads in the environment: the run's own is restored.
        using var resumed = new CliProcess(GridRun.Resume(run), ("MAMBAEXT_THREADS", "2"));
        Answer answer = resumed.Wait();
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Equal(saved, GridRun.Told(answer.Error));
        Assert.Equal(GridRun.Reference.Outputs, GridRun.Outputs(run));
    }

    [Fact]
    public void A_run_that_is_under_way_is_not_resumed_beside_it()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        using var process = new CliProcess(GridRun.Start(run, "0"));
        Assert.True(process.Until(() => Lines(Path.Combine(run, "metrics.jsonl")) >= 1));
        using (var second = new CliProcess(GridRun.Resume(run)))
        {
            second.Wait().Refuses(2, run, "no other run may be writing");
        }

        Answer answer = process.Wait();
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Equal(GridRun.Reference.Outputs, GridRun.Outputs(run));
    }

    private static void KillUntil(string checkpointSeconds, int random, int inWrite, int seed)
    {
        (string[] expected, TimeSpan time) = GridRun.Reference;
        var draw = new Random(seed);
        int killed = 0, torn = 0, runs = 0;
        while (killed < random || torn < inWrite)
        {
            Assert.True(++runs < 100, $"{killed} and {torn} kills in 100 runs");
            using var folder = new TemporaryFolder();
            string run = Path.Combine(folder.Path, "run");
            (int, long)? saved = null;
            for (bool done = false; !done;)
            {
                using CliProcess process = saved is null ? new(GridRun.Start(run, checkpointSeconds)) : new(GridRun.Resume(run));
                bool aim = torn < inWrite && saved is not null == draw.Next(2) > 0;
                bool kill = aim || killed < random;
                if (aim)
                {
                    string checkpoints = Path.Combine(run, "checkpoint");
                    int skip = draw.Next(20);
                    string last = "";
                    process.Until(() => Directory.Exists(checkpoints) && Directory.GetFiles(checkpoints, "*" + PartialFile.Suffix).FirstOrDefault() is { } half && half != last && (last = half) == half && skip-- == 0);
                }
                else if (kill)
                {
                    var clock = System.Diagnostics.Stopwatch.StartNew();
                    TimeSpan moment = time * draw.NextDouble();
                    process.Until(() => clock.Elapsed >= moment);
                }

                done = !kill || !process.Running;
                if (!done)
                {
                    process.Kill();
                }

                Answer answer = process.Wait();
                done |= answer.Code == 0;
                if (done)
                {
                    Assert.True(answer.Code == 0, $"code {answer.Code}: {answer.Error}");
                }
                else
                {
                    bool half = Directory.Exists(run) && Directory.GetFiles(run, "*" + PartialFile.Suffix, SearchOption.AllDirectories).Length > 0;
                    torn += half ? 1 : 0;
                    killed += half && aim ? 0 : 1;
                }

                // It went on from the last checkpoint, unless it was killed before it could say so.
                if (saved is not null && (done || answer.Error.Contains("Resumed", StringComparison.Ordinal)))
                {
                    Assert.Equal(saved, GridRun.Told(answer.Error));
                }

                (int, long)? now = GridRun.Position(run);
                Assert.True(saved is null || now!.Value.CompareTo(saved.Value) >= 0, $"{saved} was lost, {now} is left");
                saved = now;
                if (saved is null && Directory.Exists(run))
                {
                    Directory.Delete(run, recursive: true); // killed before there was anything to resume
                }
            }

            Assert.Equal(expected, GridRun.Outputs(run));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{killed} kills at random, {torn} within a checkpoint write, {runs} runs");
    }

    private static int Lines(string file)
    {
        if (!File.Exists(file))
        {
            return 0;
        }

        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Count(c => c == '\n');
    }

    private static void Cut(string file, Func<long, long> length)
    {
        using FileStream stream = File.OpenWrite(file);
        stream.SetLength(length(stream.Length));
    }
}
