using System.Diagnostics;

namespace MambaExt.Tests.Shared;

/// <summary>What came of a program under mpirun.</summary>
internal sealed record MpiAnswer(int Code, string Out, string Error, TimeSpan Time)
{
    /// <summary>Lines of standard output.</summary>
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Both streams.</summary>
    public string Text => $"exit code {Code} after {Time.TotalSeconds:f1} s\n{Out}\n{Error}";
}

/// <summary>Runs a program of the test's folder in several processes, one thread each; skips the test where the launcher is missing.</summary>
internal static class MpiRun
{
    public const string OpenMpi = "mpirun.openmpi";
    public const string Mpich = "mpirun.mpich";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static async Task<MpiAnswer> Ranks(int ranks, string assembly, string[] args, string launcher = OpenMpi, params (string Name, string Value)[] environment)
    {
        string? file = Find(launcher) ?? (launcher == OpenMpi ? Find("mpirun") : null);
        Xunit.Assert.SkipUnless(file is not null, $"{launcher} is not installed (Debian and Ubuntu: {(launcher == OpenMpi ? "openmpi-bin" : "mpich")})");
        string[] options = launcher == OpenMpi ? ["--oversubscribe", "--bind-to", "none"] : [];
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(file!, ["-n", $"{ranks}", .. options, host, "exec", Path.Combine(AppContext.BaseDirectory, assembly), .. args])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string name, string value) in (IEnumerable<(string, string)>)
            [("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"), ("OMP_NUM_THREADS", "1"), ("MAMBAEXT_THREADS", "1"), ("TERM", "dumb"), .. environment])
        {
            start.Environment[name] = value;
        }

        return await Run(start, Limit);
    }

    /// <summary>The same program in one process, without a launcher.</summary>
    public static Task<MpiAnswer> Alone(string assembly, params string[] args) => Alone(Limit, assembly, args);

    /// <summary>As the other, with a limit of its own.</summary>
    public static Task<MpiAnswer> Alone(TimeSpan limit, string assembly, params string[] args) => Run(
        new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, assembly), .. args])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["OMP_NUM_THREADS"] = "1", ["MAMBAEXT_THREADS"] = "1" },
        },
        limit);

    private static async Task<MpiAnswer> Run(ProcessStartInfo start, TimeSpan most)
    {
        long began = Stopwatch.GetTimestamp();
        using var limit = new CancellationTokenSource(most);
        using Process process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new MpiAnswer(process.ExitCode, await output, await error, Stopwatch.GetElapsedTime(began));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);
}
