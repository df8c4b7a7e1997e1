using System.CommandLine;

namespace MambaExt.Cli.Commands;

/// <summary>Options that several commands share, spelled once.</summary>
internal static class CommonOptions
{
    /// <summary><c>--json</c></summary>
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document instead of a table" };

    /// <summary><c>--threads T</c></summary>
    public static Option<int?> Threads()
    {
        var option = new Option<int?>("--threads") { Description = "Threads of the kernels and of libtorch (default: MAMBAEXT_THREADS, else all processors)", HelpName = "T" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int?>() is < 1 or > 1024)
            {
                result.AddError($"--threads is {result.Tokens[0].Value}; give a number from 1 to 1024.");
            }
        });
        return option;
    }
}
