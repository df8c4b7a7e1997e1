using System.Diagnostics;
using System.Text;

namespace MambaExt.Cli.Tests.Support;

/// <summary>Runs commands: in this process, or where the process itself matters, in one of their own.</summary>
internal static class CliRun
{
    public static string Assembly => Path.Combine(AppContext.BaseDirectory, "MambaExt.Cli.dll");

    public static Task<Answer> Line(string line) => Here(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    public static async Task<Answer> Here(params string[] args)
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using StringWriter ownOutput = new(), ownError = new();
        try
        {
            Console.SetOut(ownOutput);
            Console.SetError(ownError);
            int code = await CommandLine.RunAsync(args);
            return new Answer(code, ownOutput.ToString(), ownError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    /// <summary>The command in a process of its own, all streams redirected.</summary>
    public static ProcessStartInfo Start(string[] args)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

        // A shell starts what it puts into the background with SIGINT ignored, and that is inherited as far as here.
        string[] words = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", host, "exec", Assembly, .. args] : [host, "exec", Assembly, .. args];
        return new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
    }

    /// <summary>A process of its own; <paramref name="atFirstProgress"/> is called once it has written a line to standard error.</summary>
    public static async Task<Answer> Process(string[] args, (string Name, string Value)[]? environment = null, Action<Process>? atFirstProgress = null)
    {
        ProcessStartInfo start = Start(args);
        foreach ((string name, string value) in environment ?? [])
        {
            start.Environment[name] = value;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using Process process = System.Diagnostics.Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = new StringBuilder();
            while (await process.StandardError.ReadLineAsync(limit.Token) is { } line)
            {
                error.AppendLine(line);
                atFirstProgress?.Invoke(process);
                atFirstProgress = null;
            }

            await process.WaitForExitAsync(limit.Token);
            return new Answer(process.ExitCode, await output, error.ToString());
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
