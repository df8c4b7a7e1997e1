using System.Diagnostics;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>A disk of two MiB that fills up.</summary>
public class FullDiskTests
{
    [Fact]
    public void A_disk_that_fills_up_ends_the_run_with_a_sentence_and_leaves_it_resumable()
    {
        using var disk = new SmallDisk(2);
        string run = Path.Combine(disk.Path, "run"), filler = Path.Combine(disk.Path, "filler");
        using (var process = new CliProcess(GridRun.Start(run, "0")))
        {
            Assert.True(process.Until(() => GridPosition(run) >= 5));
            Fill(filler);
            Answer failed = process.Wait();
            Assert.Equal(2, failed.Code);
            string sentence = failed.Error.TrimEnd().Split('\n')[^1];
            Assert.Contains("No space left on device", sentence, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", failed.Error, StringComparison.Ordinal);
        }

        (int Finished, long Step)? saved = GridRun.Position(run);
        Assert.True(saved is (0, >= 1) or (1, _), $"{saved}");
        Assert.Empty(Directory.GetFiles(run, "*.partial", SearchOption.AllDirectories));
        File.Delete(filler);
        using var resumed = new CliProcess(GridRun.Resume(run));
        Answer answer = resumed.Wait();
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Equal(saved, GridRun.Told(answer.Error));
        Assert.Equal(GridRun.Reference.Outputs, GridRun.Outputs(run));
    }

    [Fact]
    public async Task A_disk_that_is_full_is_found_before_the_training_starts()
    {
        using var disk = new SmallDisk(1);
        Fill(Path.Combine(disk.Path, "filler"));
        Answer answer = await CliRun.Here(GridRun.Start(Path.Combine(disk.Path, "run"), "30"));
        Assert.Equal(2, answer.Code);
        Assert.Contains("No space left on device", answer.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("seed 0", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_cannot_be_written_is_found_before_the_training_starts()
    {
        using var disk = new SmallDisk(1);
        disk.Mount("remount,ro");
        (await CliRun.Here(GridRun.Start(Path.Combine(disk.Path, "run"), "30"))).Refuses(2, Path.Combine(disk.Path, "run"), "cannot be written");
    }

    // Checkpoints are numbered, and one is written after each step.
    private static int GridPosition(string run) => !Directory.Exists(Path.Combine(run, "checkpoint"))
        ? 0
        : Directory.GetFiles(Path.Combine(run, "checkpoint"), "*.safetensors").Select(f => int.Parse(Path.GetFileNameWithoutExtension(f), System.Globalization.CultureInfo.InvariantCulture)).DefaultIfEmpty().Max();

    private static void Fill(string file)
    {
        byte[] block = new byte[4096];
        try
        {
            using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, 0);
            while (true)
            {
                stream.Write(block);
            }
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    private sealed class SmallDisk : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly bool _mounted;

        public SmallDisk(int mebibytes)
        {
            _mounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m", "tmpfs", Path);
            if (!_mounted)
            {
                _folder.Dispose();
            }

            Assert.SkipUnless(_mounted, "this user may not mount a small file system");
        }

        public string Path => _folder.Path;

        public void Mount(string options) => Assert.True(Run("mount", "-o", options, Path));

        public void Dispose()
        {
            Run("umount", Path);
            _folder.Dispose();
        }

        private static bool Run(string program, params string[] args)
        {
            try
            {
                using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true, RedirectStandardOutput = true })!;
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false; // there is no such program
            }
        }
    }
}
