using System.CommandLine;
using MambaExt.Reports;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext report RUN...</c>: tables and charts over one or more runs, in one HTML file.</summary>
internal static class ReportCommand
{
    private static readonly Argument<string[]> Runs = new("RUN") { Description = "Run folders: one for its report, several to compare them.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Out = new("--out")
    {
        Description = $"The HTML file (default: {RunReport.FileName} in the run folder if there is one, else here).",
        HelpName = "FILE",
        CustomParser = result => Path.GetExtension(result.Tokens[0].Value).ToLowerInvariant() is ".html" or ".htm"
            ? result.Tokens[0].Value
            : CommonOptions.Refuse<string>(result, "--out", result.Tokens[0].Value, "give a file name that ends in .html"),
    };

    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("report", "Tables and charts over one or more runs, as one HTML file.") { Runs, Out, Json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Runs) is not { Length: > 0 } runs || runs.Any(string.IsNullOrWhiteSpace))
            {
                result.AddError("No run was given; name one or more run folders: mambaext report RUN...");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed), token));
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        string[] runs = parsed.GetValue(Runs)!;
        string report = Path.GetFullPath(parsed.GetValue(Out) ?? (runs.Length == 1 ? Path.Combine(runs[0], RunReport.FileName) : RunReport.FileName));
        if (Directory.Exists(report))
        {
            throw new ArgumentException($"'{report}' is a folder; give --out the name of a file that ends in .html.");
        }

        if (parsed.GetValue(Out) is not null && !Directory.Exists(Path.GetDirectoryName(report)))
        {
            throw new DirectoryNotFoundException($"The folder of '{report}' does not exist; make it first, or give --out another file.");
        }

        RunReport.Write(runs, report);
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(new { report, runs = runs.Select(Path.GetFullPath) });
        }
        else
        {
            Console.WriteLine(report);
        }

        return ExitCode.Done;
    }
}
