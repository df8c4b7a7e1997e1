using System.CommandLine;
using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Graph.DataSets;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext data list</c>: every data set that is known, and whether its files are in the data folder.</summary>
internal static class DataListCommand
{
    private static readonly Option<string?> Data = DataCommands.Folder();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("list", "List the data sets that are known, and which of them are in the data folder.") { Data, Json };
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed), token));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        string? root = DataFolder.Root(parsed.GetValue(Data));
        if (root is not null && !Directory.Exists(root))
        {
            throw new DirectoryNotFoundException($"The data folder '{root}' does not exist; name one that does, or leave it out.");
        }

        IReadOnlyList<DataSetPlace> places = GraphDataSets.Locate(root);
        IReadOnlyList<ImageDataSetPlace> images = ImageDataSets.Locate(root);
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { data_folder = root is null ? null : Path.GetFullPath(root), sets = places.Select(Describe), images = images.Select(Describe) });
            return ExitCode.Done;
        }

        foreach (IGrouping<string, DataSetPlace> family in places.GroupBy(place => place.Info.Family))
        {
            Console.WriteLine($"{family.Key,-23}{"graphs",7}{"vertices",9}{"edges",9}{"features",9}{"classes",8}  {"score",-9} {"here",-8} splits");
            foreach (DataSetPlace place in family)
            {
                GraphDataSetSize size = place.Info.Size;
                string score = place.Info.Metric == NodeMetric.RocAuc ? "ROC AUC" : "accuracy";
                string here = place.Files.Count == 0 ? "drawn" : place.Folders.Count switch { 0 => "no", 1 => "yes", var several => $"{several} times" };
                Console.WriteLine($"  {place.Info.Name,-21}{size.Graphs,7:N0}{size.Vertices,9:N0}{size.Edges,9:N0}{size.Features,9:N0}{size.Classes,8}  {score,-9} {here,-8} {place.Info.Splits}");
            }

            Console.WriteLine();
        }

        Console.WriteLine($"{"images",-23}{"train",7}{"test",8}{"channels",9}{"size",8}{"classes",9}  here");
        foreach (ImageDataSetPlace place in images)
        {
            ImageDataSetInfo info = place.Info;
            string here = place.IsCarried ? "comes with the library" : place.Folders.Count switch { 0 => "no", 1 => "yes", var several => $"{several} times" };
            Console.WriteLine($"  {info.Name,-21}{info.Train,7:N0}{info.Test,8:N0}{info.Channels,9}{info.Size?.ToString() ?? "own",8}{info.Classes,9}  {here}");
        }

        Console.WriteLine();
        Console.WriteLine(root is null ? $"No data folder was named (--data DIR or {DataFolder.Variable})." : $"Data folder: {Path.GetFullPath(root)}");
        return ExitCode.Done;
    }

    private static object Describe(DataSetPlace place) => new
    {
        name = place.Info.Name,
        family = place.Info.Family,
        task = place.Info.Task,
        graphs = place.Info.Size.Graphs,
        vertices = place.Info.Size.Vertices,
        edges = place.Info.Size.Edges,
        features = place.Info.Size.Features,
        classes = place.Info.Size.Classes,
        metric = place.Info.Metric,
        splits = place.Info.Splits,
        present = place.IsPresent,
        folders = place.Folders,
        files = place.Files,
    };

    private static object Describe(ImageDataSetPlace place) => new
    {
        name = place.Info.Name,
        channels = place.Info.Channels,
        height = place.Info.Size?.Height,
        width = place.Info.Size?.Width,
        classes = place.Info.Classes,
        train = place.Info.Train,
        test = place.Info.Test,
        present = place.IsPresent,
        folders = place.Folders,
        files = place.Files,
    };
}
