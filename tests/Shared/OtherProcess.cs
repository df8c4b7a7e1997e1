using System.Diagnostics;

namespace MambaExt.Tests.Shared;

/// <summary>Runs one test of this program once more in another process, where it plays the part that a variable names.</summary>
internal static class OtherProcess
{
    private const string Variable = "MAMBAEXT_TEST_PART";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>What this process is to do; null in the one that runs all tests.</summary>
    public static string? Part => Environment.GetEnvironmentVariable(Variable);

    /// <param name="method">Full name of the test</param>
    /// <param name="part">What it is to do there</param>
    /// <param name="environment">More variables</param>
    public static Process Start(string method, string part, params (string Name, string Value)[] environment)
    {
        string program = Path.Combine(AppContext.BaseDirectory, typeof(OtherProcess).Assembly.GetName().Name! + ".dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", program, "-method", method])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment[Variable] = part;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Waits, and fails with what the other process printed unless the test passed there.</summary>
    public static async Task Passes(Process process, int tests = 1)
    {
        using var limit = new CancellationTokenSource(Limit);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        string text = await output + await error;
        Assert.True(process.ExitCode == 0 && text.Contains("Failed: 0, Skipped: 0", StringComparison.Ordinal) && text.Contains($"Total: {tests},", StringComparison.Ordinal), text);
    }
}
