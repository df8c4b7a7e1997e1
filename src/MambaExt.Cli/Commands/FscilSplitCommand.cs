using System.CommandLine;
using MambaExt.Fscil;
using MambaExt.Fscil.Protocol;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext fscil split</c>: draws a protocol and writes its lists.</summary>
internal static class FscilSplitCommand
{
    private static readonly FscilDataChoice Data = new(listed: false);
    private static readonly Option<int> Seed = CommonOptions.Number("--seed", "N", "Of the order of classes and of the shots (default: 0).", 0, int.MaxValue);
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Required: folder of the lists, without lists yet.");
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("split", "Draw the order of classes and the shots, and write them as lists that --lists reads.") { Seed, Out, Json };
        foreach (Option option in Data.All)
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            Data.Check(result);
            if (result.GetResult(Out) is null)
            {
                result.AddError("--out is missing; give a folder for the lists.");
            }
        });
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        FscilData data = Data.Load(parsed)(parsed.GetValue(Seed));
        string folder = Path.GetFullPath(parsed.GetValue(Out)!);
        bool named = FscilDataSets.ListsHoldPaths(data.Name);
        ProtocolLists.Write(folder, data.Protocol, new ListedImages(data.Train, data.Labels, named), new ListedImages(data.Test, data.Labels, named));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new
            {
                dataset = data.Name,
                folder,
                sessions = data.Protocol.Sessions.Select(s => new { session = s.Number, classes = data.ClassNames.Skip(s.FirstClass).Take(s.ClassCount), train = s.Train.Length, test = s.Test.Length }),
            });
        }
        else
        {
            Console.WriteLine($"{data.Summary}: {folder}");
        }

        return ExitCode.Done;
    }
}
