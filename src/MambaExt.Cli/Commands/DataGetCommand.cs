using System.CommandLine;
using System.Reflection;
using MambaExt.Data;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext data get NAME</c>: downloads data sets from where their authors have put them.</summary>
internal static class DataGetCommand
{
    private static readonly Argument<string[]> Names = new("NAME") { Description = "Data sets.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Data = DataCommands.Folder();
    private static readonly Option<Uri?> From = new("--from")
    {
        Description = "A mirror: an address below which the files lie under their names, instead of the official places.",
        HelpName = "URL",
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps)
            ? address
            : CommonOptions.Refuse<Uri>(result, "--from", result.Tokens[0].Value, "give an address that begins with https:// or http://"),
    };

    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("get", "Download data sets into the data folder, and verify them.") { Names, Data, From, Json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Names) is not { Length: > 0 })
            {
                result.AddError("No data set was given; name one or more: mambaext data get NAME.");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken token)
    {
        string root = DataCommands.Required(parsed.GetValue(Data));
        NamedDataSet[] sets = [.. parsed.GetValue(Names)!.Select(NamedDataSet.Find)];
        using var client = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(20) }) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd($"{CommandLine.Name}/{typeof(DataGetCommand).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()?.Version}");
        var download = new FileDownload(client);
        var got = new List<(NamedDataSet Set, IReadOnlyList<(PublishedFile File, string Path, bool IsNew)> Files)>();
        foreach (NamedDataSet set in sets)
        {
            try
            {
                got.Add((set, await set.GetAsync(root, download, parsed.GetValue(From), new DownloadView(Console.Error, !Console.IsErrorRedirected).Report, token)));
            }
            catch (OperationCanceledException)
            {
                throw new InterruptedRunException($"Interrupted; what has come is kept. Go on with: {CommandLine.Name} data get {string.Join(' ', sets.Select(s => s.Name))} --data {root}");
            }
        }

        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new
            {
                data_folder = Path.GetFullPath(root),
                sets = got.Select(one => new
                {
                    name = one.Set.Name,
                    files = one.Files.Select(f => new { file = f.File.Name, path = f.Path, bytes = new FileInfo(f.Path).Length, verified = f.File.Sha256 is not null, downloaded = f.IsNew }),
                }),
            });
            return ExitCode.Done;
        }

        foreach ((NamedDataSet set, IReadOnlyList<(PublishedFile File, string Path, bool IsNew)> files) in got)
        {
            int unknown = files.Count(f => f.File.Sha256 is null);
            string verified = unknown == 0 ? "all verified" : $"{files.Count - unknown} verified, of {unknown} no published hash is known";
            Console.WriteLine($"{set.Name}: {files.Count(f => f.IsNew)} files downloaded, {files.Count(f => !f.IsNew)} were there; {verified}: {Path.GetDirectoryName(files[0].Path)}");
        }

        return ExitCode.Done;
    }
}
