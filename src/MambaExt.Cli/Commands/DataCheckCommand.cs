using System.CommandLine;
using MambaExt.Data;
using MambaExt.Graph.DataSets;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext data check NAME|all</c>: sizes and SHA-256 of the files at hand against the published ones.</summary>
internal static class DataCheckCommand
{
    private static readonly Argument<string[]> Names = new("NAME") { Description = "Data sets, or all: every one that is in the data folder.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Data = DataCommands.Folder();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("check", "Compare the files of data sets with the published ones.") { Names, Data, Json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Names) is not { Length: > 0 })
            {
                result.AddError("No data set was given; name one or more, or all: mambaext data check NAME.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        string root = DataCommands.Required(parsed.GetValue(Data));
        if (!Directory.Exists(root))
        {
            throw new DirectoryNotFoundException($"The data folder '{root}' does not exist; name one that does.");
        }

        string[] names = parsed.GetValue(Names)!;
        bool all = names.Contains("all", StringComparer.OrdinalIgnoreCase);
        string[] wanted = [.. names.Where(name => !name.Equals("all", StringComparison.OrdinalIgnoreCase)).Select(name => GraphDataSets.Find(name).Name)];
        DataSetPlace[] places = [.. GraphDataSets.Locate(root).Where(place => wanted.Contains(place.Info.Name) || (all && place.Folders.Count > 0))];
        foreach (DataSetPlace absent in places.Where(place => place.Folders.Count == 0))
        {
            // It throws with what is missing; one that is drawn has nothing to compare.
            _ = absent.Files.Count == 0
                ? throw new ArgumentException($"{absent.Info.Name} is drawn from its definition and has no files to check.")
                : DataFolder.Find(root, absent.Info.Name, absent.Files);
        }

        var checks = new List<(DataSetPlace Place, IReadOnlyList<DataSetFile> Files)>();
        foreach (DataSetPlace place in places)
        {
            token.ThrowIfCancellationRequested();
            checks.Add((place, place.Check()));
        }

        int differing = checks.Sum(check => check.Files.Count(file => file.Official == false));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { data_folder = Path.GetFullPath(root), sets = checks.Select(Describe), differing });
        }
        else
        {
            Print(checks, differing);
        }

        return differing == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static object Describe((DataSetPlace Place, IReadOnlyList<DataSetFile> Files) check) => new
    {
        name = check.Place.Info.Name,
        folders = check.Place.Folders,
        files = check.Files.Select(file => new
        {
            file = file.Name,
            bytes = file.Bytes,
            sha256 = file.Sha256,
            published_bytes = check.Place.Published(file.Name)?.Bytes,
            published_sha256 = check.Place.Published(file.Name)?.Sha256,
            state = State(file),
        }),
    };

    private static void Print(List<(DataSetPlace Place, IReadOnlyList<DataSetFile> Files)> checks, int differing)
    {
        foreach ((DataSetPlace place, IReadOnlyList<DataSetFile> files) in checks)
        {
            Console.WriteLine($"{place.Info.Name}: {string.Join(" and ", place.Folders)}");
            foreach (DataSetFile file in files)
            {
                Console.WriteLine($"  {State(file),-10} {file.Bytes,12:N0}  {file.Sha256}  {file.Name}");
                if (file.Official == false)
                {
                    Console.WriteLine($"  {"published:",-10} {place.Published(file.Name)?.Bytes,12:N0}  {place.Published(file.Name)?.Sha256}");
                }
            }
        }

        DataSetFile[] read = [.. checks.SelectMany(check => check.Files)];
        Console.WriteLine($"{read.Count(file => file.Official == true)} files official, {differing} differing, {read.Count(file => file.Official is null)} unverified, as no published hash is known");
    }

    private static string State(DataSetFile file) => file.Official switch { true => "official", false => "differs", null => "unverified" };
}
