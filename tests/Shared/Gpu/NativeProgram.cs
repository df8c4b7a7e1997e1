using System.Diagnostics;

namespace MambaExt.Tests.Shared;

/// <summary>A program of the machine, such as a compiler, run to its end.</summary>
internal static class NativeProgram
{
    /// <summary>The first of <paramref name="names"/> that stands on the path, or null.</summary>
    public static string? Find(params string[] names) => names.FirstOrDefault(name =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => folder.Length > 0 && (File.Exists(Path.Combine(folder, name)) || File.Exists(Path.Combine(folder, name + ".exe")))));

    /// <summary>Runs it with <paramref name="input"/> on its standard input.</summary>
    /// <returns>Exit code, standard output and standard error</returns>
    public static (int Code, string Output, string Error) Run(string file, IEnumerable<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }
}
