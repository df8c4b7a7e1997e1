using System.CommandLine;
using MambaExt.Graph.DataSets;

namespace MambaExt.Cli.Commands;

/// <summary>What the graph commands share.</summary>
internal static class GraphCommands
{
    public static string Names { get; } = GraphDataSets.Names(GraphTask.Vertices);

    public static Option<string?> Data() => CommonOptions.Folder("--data", "Folder that holds the data set's files, at any depth (default: MAMBAEXT_DATA).");
}
