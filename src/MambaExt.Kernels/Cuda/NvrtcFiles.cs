namespace MambaExt.Kernels.Cuda;

/// <summary>What NVRTC's files are called, and in which folders toolkits and Python packages keep them.</summary>
internal static class NvrtcFiles
{
    // Hardly any folder has more than a few; a wrong one (a home folder) must not take minutes.
    private const int Deepest = 5;

    /// <summary>As the system's loader finds them.</summary>
    public static string[] Names { get; } = OperatingSystem.IsWindows()
        ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"]
        : ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];

    /// <summary>The libraries in a folder, newest first. Packages may put a hash into the name: <c>libnvrtc-2f4c8d1a.so.12</c>.</summary>
    public static IEnumerable<string> In(string folder) =>
        Files(folder, OperatingSystem.IsWindows() ? ["nvrtc64_*.dll"] : ["libnvrtc.so*", "libnvrtc-*.so*"])
            .Where(file => !IsOther(Path.GetFileName(file)))
            .OrderByDescending(file => Number(Path.GetFileName(file)));

    /// <summary>The libraries of built-in functions in a folder.</summary>
    public static IEnumerable<string> BuiltinsIn(string folder) =>
        Files(folder, OperatingSystem.IsWindows() ? ["nvrtc-builtins64_*.dll"] : ["libnvrtc-builtins*.so*"]);

    /// <summary>The libraries in a folder, else in those below it, as in <c>site-packages</c> or in a toolkit.</summary>
    public static IEnumerable<string> Under(string folder)
    {
        string[] own = [.. In(folder)];
        return own.Length > 0 ? own
            : Directory.EnumerateDirectories(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = Deepest, IgnoreInaccessible = true })
                .SelectMany(In)
                .OrderByDescending(file => Number(Path.GetFileName(file)));
    }

    /// <summary>The libraries of toolkits in their usual places.</summary>
    public static IEnumerable<string> InToolkits()
    {
        if (Environment.GetEnvironmentVariable("CUDA_PATH") is { Length: > 0 } toolkit)
        {
            foreach (string file in In(Path.Combine(toolkit, "bin")).Concat(In(Path.Combine(toolkit, "bin", "x64"))).Concat(In(Path.Combine(toolkit, "lib64"))))
            {
                yield return file;
            }
        }

        if (Directory.Exists("/usr/local"))
        {
            foreach (string file in Directory.EnumerateDirectories("/usr/local", "cuda*").OrderDescending(StringComparer.Ordinal).SelectMany(folder => In(Path.Combine(folder, "lib64"))))
            {
                yield return file;
            }
        }
    }

    /// <summary>The CUDA major version that a file's name tells; 0 where it tells none.</summary>
    public static int Major(string file)
    {
        int number = Number(Path.GetFileName(file));
        return number >= 100 ? number / 10 : number;
    }

    // Built-in functions, static libraries, and a second compiler of newer toolkits.
    private static bool IsOther(string name) => name.Contains("builtins", StringComparison.Ordinal) || name.Contains("alt", StringComparison.Ordinal) || name.EndsWith(".a", StringComparison.Ordinal);

    // libnvrtc.so.12.4.127 is 12; nvrtc64_130_0.dll is 130. Without a number it may be any and comes last.
    private static int Number(string name)
    {
        int start = OperatingSystem.IsWindows() ? name.IndexOf('_') + 1 : name.IndexOf(".so.", StringComparison.Ordinal) is >= 0 and int found ? found + 4 : name.Length;
        string digits = new([.. name.Skip(start).TakeWhile(char.IsAsciiDigit)]);
        return int.TryParse(digits, out int number) ? number : 0;
    }

    private static IEnumerable<string> Files(string folder, string[] patterns) =>
        Directory.Exists(folder) ? patterns.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern)).Order(StringComparer.Ordinal) : [];
}
