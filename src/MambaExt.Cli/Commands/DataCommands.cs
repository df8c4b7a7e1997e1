using System.CommandLine;
using MambaExt.Data;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext data</c>: which data sets there are, which of them are at hand, and how to get the others.</summary>
internal static class DataCommands
{
    public static Command Create() => new("data", "Data sets by name, with checksums.") { DataListCommand.Create(), DataGetCommand.Create(), DataCheckCommand.Create() };

    public static Option<string?> Folder() => CommonOptions.Folder("--data", $"The data folder (default: {DataFolder.Variable}).");

    /// <summary>The folder that was named, for commands that cannot do without.</summary>
    public static string Required(string? given) =>
        DataFolder.Root(given) ?? throw new DirectoryNotFoundException($"No data folder was named; give --data DIR or set {DataFolder.Variable}.");
}
