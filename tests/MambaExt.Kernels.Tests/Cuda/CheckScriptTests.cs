using System.Diagnostics;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary><c>tests/gpu/check.sh</c> and <c>publish.sh</c>, as far as they go without a GPU.</summary>
public class CheckScriptTests(ITestOutputHelper output)
{
    private const long MostBytes = 25_000_000;

    [Fact]
    public void Without_a_driver_one_sentence_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");
        Assert.SkipWhen(File.Exists("/dev/nvidiactl"), "this machine may have an NVIDIA driver");
        var (code, text, error) = Run(TimeSpan.FromMinutes(1), [], "tests/gpu/check.sh", SharedData.Require("golden", "scan"));
        Assert.Equal((1, ""), (code, text));
        Assert.StartsWith("No NVIDIA driver was found", error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Without_golden_files_one_sentence_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");
        var (code, _, error) = Run(TimeSpan.FromMinutes(1), [], "tests/gpu/check.sh", "no/such/folder");
        Assert.Equal(1, code);
        Assert.StartsWith("There is no folder 'no/such/folder' of golden files", error, StringComparison.Ordinal);
    }

    /// <summary>Programs that say what the test tells them, in the place of the real ones.</summary>
    [Theory]
    [InlineData("3 passed, 0 failed", 0, "15 passed, 0 failed", 0)]
    [InlineData("3 passed, 1 failed", 2, "15 passed, 1 failed", 2)]
    [InlineData("3 passed, 0 failed, 2 skipped", 0, "15 passed, 0 failed", 0)]
    [InlineData("3 passed, 0 failed", 139, "15 passed, 1 failed", 2)]
    [InlineData("no count", 0, "12 passed, 1 failed", 2)]
    [InlineData("no count", 139, "12 passed, 1 failed", 2)]
    public void Counts_are_added_and_a_part_that_crashes_has_failed(string repeats, int code, string last, int expected)
    {
        var (exit, lines, _) = RunStandIns($"repeat) echo '{repeats}'; exit {code} ;;");
        Assert.Equal((expected, last), (exit, lines[^1]));
    }

    [Fact]
    public void A_first_start_that_fails_ends_it_and_parts_can_be_chosen()
    {
        var (exit, lines, _) = RunStandIns("start) echo 'no such GPU'; exit 3 ;;");
        Assert.Equal((2, "0 passed, 1 failed"), (exit, lines[^1]));
        (exit, lines, _) = RunStandIns("start) exit 3 ;;", "bench", "verify");
        Assert.Equal((0, "6 passed, 0 failed"), (exit, lines[^1]));
        Assert.Equal(["verify", "bench"], lines.Where(line => line.StartsWith("ran ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]));
        (exit, lines, _) = RunStandIns("bench) sleep 60 ;;", "bench");
        Assert.Equal((2, "0 passed, 1 failed"), (exit, lines[^1]));
        (exit, _, string error) = RunStandIns("", "bencj");
        Assert.Equal(1, exit);
        Assert.StartsWith("'bencj' is no part; allowed are start verify repeat bench profile torch.", error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_for_a_profile_or_for_TorchSharp_is_said_and_no_failure()
    {
        var (exit, lines, _) = RunStandIns("", "profile", "torch", "verify");
        Assert.Equal((0, "3 passed, 0 failed"), (exit, lines[^1]));
        Assert.Contains(lines, line => line.StartsWith("not profiled: there is no ncu", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("no libtorch was found", StringComparison.Ordinal));
    }

    private static (int Code, string[] Lines, string Error) RunStandIns(string cases, params string[] parts)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");
        using var folder = new TemporaryFolder();
        string program = folder.File("MambaExt.KernelCheck"), golden = SharedData.Require("golden", "scan");
        File.WriteAllText(program, $"#!/bin/sh\necho \"ran $1\"\ncase $1 in\n{cases}\n*) echo '3 passed, 0 failed' ;;\nesac\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        folder.Write("libcuda.so.1");
        string[] environment =
        [
            $"MAMBAEXT_GPU_PROGRAMS={folder.Path}", $"LD_LIBRARY_PATH={folder.Path}", "MAMBAEXT_NVRTC=/nowhere", $"MAMBAEXT_LIBTORCH={folder.Path}", $"OUT={folder.File("out")}",
            "MAMBAEXT_GPU_SECONDS=2", "PATH=/usr/bin:/bin",
        ];
        var (code, text, error) = Run(TimeSpan.FromMinutes(1), environment, ["tests/gpu/check.sh", golden, .. parts]);
        return (code, text.Split('\n', StringSplitOptions.RemoveEmptyEntries), error);
    }

    /// <summary>Both programs, small enough to be carried to another machine, run without the .NET of this one.</summary>
    [Fact]
    [Trait("Suite", "long")]
    public void Published_programs_are_small_and_run()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("MAMBAEXT_LONG_TESTS") == "1", "a named suite of minutes; set MAMBAEXT_LONG_TESTS=1 to run it");
        using var folder = new TemporaryFolder();
        string[] bare = ["DOTNET_ROOT=/nowhere", "PATH=/usr/bin:/bin"];
        var (code, text, error) = Run(TimeSpan.FromMinutes(20), [], "tests/gpu/publish.sh", folder.Path);
        Assert.True(code == 0, text + error);
        output.WriteLine(text);
        Assert.InRange(new FileInfo(folder.File("MambaExt.KernelCheck")).Length, 1, MostBytes);
        Assert.InRange(new FileInfo(folder.File("MambaExt.TorchCheck")).Length + new FileInfo(folder.File("libLibTorchSharp.so")).Length, 1, MostBytes);

        (code, text, error) = Run(TimeSpan.FromMinutes(5), bare, "-c", $"'{folder.File("MambaExt.KernelCheck")}' verify '{SharedData.Require("golden", "scan")}' | tail -n 1");
        Assert.Equal("843 passed, 0 failed, 11 skipped", text.Trim());

        string torch = Directory.EnumerateDirectories(Path.Combine(Home(), ".nuget", "packages", "libtorch-cpu-linux-x64")).First();
        (code, text, error) = Run(TimeSpan.FromMinutes(5), [.. bare, $"MAMBAEXT_LIBTORCH={Path.Combine(torch, "runtimes", "linux-x64", "native")}"], "-c", $"'{folder.File("MambaExt.TorchCheck")}'");
        output.WriteLine(text + error);
        Assert.True(code == 0, text + error);
        Assert.Contains("5 passed, 0 failed, 11 skipped", text, StringComparison.Ordinal);
    }

    private static (int Code, string Out, string Error) Run(TimeSpan limit, string[] environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Root() };
        foreach (string[] pair in environment.Select(e => e.Split('=', 2)))
        {
            start.Environment[pair[0]] = pair[1];
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> text = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{string.Join(' ', arguments)} did not end within {limit}");
        }

        return (process.ExitCode, text.Result, error.Result);
    }

    private static string Home() => Environment.GetEnvironmentVariable("HOME")!;

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MambaExt.sln")))
        {
            folder = folder.Parent;
        }

        Assert.SkipUnless(folder is not null, "the tests do not run inside the repository");
        return folder!.FullName;
    }
}
