using System.Diagnostics;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests.Packages;

/// <summary>
/// A folder outside the repository with a package feed and a package folder of its own. Packages that other builds have restored on
/// this machine are read, never written: nothing of a test stays behind, and nothing is fetched.
/// </summary>
internal sealed class Workshop : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Workshop(string restored)
    {
        File.WriteAllText(_folder.File("nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{Feed}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="restored" value="{restored}" /></fallbackPackageFolders>
            </configuration>
            """);
    }

    public string Feed => Directory.CreateDirectory(Path.Combine(_folder.Path, "feed")).FullName;

    public string Project => Directory.CreateDirectory(Path.Combine(_folder.Path, "App")).FullName;

    /// <summary>The folder in which NuGet keeps what this machine has restored.</summary>
    public static async Task<string> RestoredPackages(string repository)
    {
        Answer answer = await Run(repository, [], "nuget", "locals", "global-packages", "--list");
        Assert.True(answer.Code == 0, answer.Out + answer.Error);
        return answer.Out.Split("global-packages:")[1].Trim();
    }

    /// <summary>Runs a command of dotnet in the project's folder.</summary>
    public Task<Answer> Dotnet(params string[] args) => Run(Project, [("NUGET_PACKAGES", Path.Combine(_folder.Path, "packages"))], args);

    /// <summary>Runs a command of dotnet with the packages of the machine.</summary>
    public static async Task<Answer> Run(string folder, (string Name, string Value)[] environment, params string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", args)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };

        // No server may outlive the test and hold its folder; the variables of a surrounding build are not for this one.
        (string, string)[] alone = [("MSBUILDDISABLENODEREUSE", "1"), ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"), ("UseSharedCompilation", "false")];
        foreach ((string name, string value) in alone.Concat(environment))
        {
            start.Environment[name] = value;
        }

        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        using Process process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token), error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Answer(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    public void Dispose() => _folder.Dispose();
}
