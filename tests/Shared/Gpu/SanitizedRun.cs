using System.Diagnostics;

namespace MambaExt.Tests.Shared;

/// <summary>Runs tests of this program once more in a process where AddressSanitizer watches the emulated kernels and their memory.</summary>
internal static class SanitizedRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>Exit code and output of the tests that the runner's own options (<c>-class</c>, <c>-method</c>, <c>-trait</c>) choose.</summary>
    public static async Task<(int Code, string Output)> Of(params string[] options)
    {
        string library = await Library();
        Assert.SkipUnless(File.Exists(library), "g++ has no libasan (Debian and Ubuntu: it comes with g++)");
        string program = Path.Combine(AppContext.BaseDirectory, typeof(SanitizedRun).Assembly.GetName().Name! + ".dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", program, .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["LD_PRELOAD"] = library,
                // Faults and stacks are the runtime's own business; it never gives back what it holds at the end.
                ["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:use_sigaltstack=0",
                ["MAMBAEXT_EMULATOR"] = "address",
            },
        };
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static async Task<string> Library()
    {
        Assert.SkipUnless(EmulatedGpu.IsAvailable(out string reason), reason);
        using Process process = Process.Start(new ProcessStartInfo("g++", ["-print-file-name=libasan.so"]) { RedirectStandardOutput = true })!;
        string path = (await process.StandardOutput.ReadToEndAsync()).Trim();
        return new FileInfo(path) is { Exists: true } file ? file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path : path;
    }
}
