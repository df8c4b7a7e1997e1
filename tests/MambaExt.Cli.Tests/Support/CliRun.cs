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

    /// <summary>A process of its own; <paramref name="atFirstProgress"/> is called once it has written a line to standard error.</summary>
    public static async Task<Answer> Process(string[] args, (string Name, string Value)[]? environment = null, Action<Process>? atFirstProgress = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", Assembly, .. args])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
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
