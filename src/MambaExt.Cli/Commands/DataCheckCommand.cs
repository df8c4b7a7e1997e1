using System.CommandLine;
using MambaExt.Data;

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
        NamedDataSet[] wanted = [.. names.Where(name => !name.Equals("all", StringComparison.OrdinalIgnoreCase)).Select(NamedDataSet.Find)];
        IReadOnlyDictionary<string, DataFiles> files = NamedDataSet.Locate(root);
        DataFiles[] places =
        [
            .. NamedDataSet.All.Where(set => all || wanted.Contains(set)).Where(set => Exists(set, files[set.Name], root, wanted.Contains(set))).Select(set => files[set.Name]),
        ];
        var checks = new List<(DataFiles Place, IReadOnlyList<DataSetFile> Files)>();
        foreach (DataFiles place in places)
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

    /// <summary>Whether there is something to compare; throws with what is missing where the data set was asked for by name.</summary>
    private static bool Exists(NamedDataSet set, DataFiles files, string root, bool isNamed)
    {
        if (isNamed && set.Reason is not null)
        {
            throw new ArgumentException(set.Reason);
        }

        if (isNamed && files.Folders.Count == 0)
        {
            DataFolder.Find(root, set.Name, files.Files);
        }

        return set.Reason is null && files.Folders.Count > 0;
    }

    private static object Describe((DataFiles Place, IReadOnlyList<DataSetFile> Files) check) => new
    {
        name = check.Place.Name,
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

    private static void Print(List<(DataFiles Place, IReadOnlyList<DataSetFile> Files)> checks, int differing)
    {
        foreach ((DataFiles place, IReadOnlyList<DataSetFile> files) in checks)
        {
            Console.WriteLine($"{place.Name}: {string.Join(" and ", place.Folders)}");
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
