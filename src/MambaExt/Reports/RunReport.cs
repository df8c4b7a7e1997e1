using System.Text;
using MambaExt.Kernels;
using MambaExt.Reports.Parts;

namespace MambaExt.Reports;

/// <summary>
/// Turns run folders into one HTML file that needs nothing else: no script, no network. The page is made of parts, each of which writes
/// nothing where the keys it reads are absent, so that runs of every command and of every age have a report.
/// </summary>
public static class RunReport
{
    /// <summary>The file beside the run that a report is written to where nothing else is asked for.</summary>
    public const string FileName = "report.html";

    /// <summary>Runs that one report compares at most.</summary>
    public const int MostRuns = 100;

    // Should something hostile get past the escaping, it can neither run nor fetch.
    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

    private static readonly Action<Html, RunRecord>[] Parts =
        [OverviewPart.Write, ScoresPart.Write, SessionsPart.Write, PrefixesPart.Write, OtherResultsPart.Write, CurvesPart.Write, ClassesPart.Write, RunsPart.Write, SettingsPart.Write];

    /// <summary>Writes the report of one run, or the comparison of several, to <paramref name="path"/>, over an older one.</summary>
    /// <param name="runFolders">Folders with any of <c>config.json</c>, <c>metrics.jsonl</c> and <c>result.json</c>; at least one and at most <see cref="MostRuns"/>.</param>
    /// <param name="path">The HTML file; its folder must exist.</param>
    /// <exception cref="ArgumentException">There is no folder, there are too many, or one is named twice.</exception>
    /// <exception cref="DirectoryNotFoundException">A folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">A folder holds no run.</exception>
    /// <exception cref="InvalidDataException">A file of a run is too large or is no JSON object.</exception>
    public static void Write(IReadOnlyList<string> runFolders, string path)
    {
        ArgumentNullException.ThrowIfNull(runFolders);
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (runFolders.Count is 0 or > MostRuns)
        {
            throw new ArgumentException($"{runFolders.Count} run folders were given; a report takes 1 to {MostRuns}.");
        }

        RunRecord[] runs = [.. runFolders.Select(RunRecord.Read)];
        if (runs.CountBy(run => run.Folder).FirstOrDefault(folder => folder.Value > 1) is { Key: { } twice })
        {
            throw new ArgumentException($"The run folder {BadFile.Quote(twice)} was given twice; name each run once.");
        }

        PartialFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            Page(writer, runs);
        });
    }

    private static void Page(TextWriter writer, RunRecord[] runs)
    {
        var html = new Html(writer);
        string title = runs.Length == 1 ? runs[0].DataSet : $"Comparison of {runs.Length} runs";
        writer.Write("<!DOCTYPE html>\n");
        using (html.Open("html", ("lang", "en")))
        {
            using (html.Open("head"))
            {
                html.Empty("meta", ("charset", "utf-8"));
                html.Empty("meta", ("http-equiv", "Content-Security-Policy"), ("content", Policy));
                html.Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
                html.Empty("meta", ("name", "color-scheme"), ("content", "light dark"));
                html.Element("title", $"{Figures.Short(title, 100)}: mambaext report");
                html.Style(ReportStyle.Sheet);
            }

            using (html.Open("body"))
            {
                html.Element("a", "Skip to the report", ("class", "skip"), ("href", "#report"));
                using (html.Open("main", ("id", "report"), ("tabindex", "-1")))
                using (html.Section(Figures.Short(title, 100), "title", "article"))
                {
                    Body(html, runs);
                }
            }
        }

        writer.Write('\n');
    }

    private static void Body(Html html, RunRecord[] runs)
    {
        if (runs.Length == 1)
        {
            WriteParts(html, runs[0]);
            return;
        }

        string[] names = Names(runs);
        using (html.Open("nav", ("aria-label", "Runs")))
        using (html.Open("ol"))
        {
            foreach (var (i, name) in names.Index())
            {
                using (html.Open("li"))
                {
                    html.Element("a", Figures.Short(name, 100), ("href", $"#run-{i}"));
                }
            }
        }

        ComparisonPart.Write(html, runs, names);
        foreach (var (i, run) in runs.Index())
        {
            using (html.Section(Figures.Short(names[i], 100), $"run-{i}", "article"))
            {
                WriteParts(html, run);
            }
        }
    }

    private static void WriteParts(Html html, RunRecord run)
    {
        foreach (Action<Html, RunRecord> part in Parts)
        {
            part(html, run);
        }
    }

    /// <summary>The names of the folders; their whole paths where two have one name.</summary>
    private static string[] Names(RunRecord[] runs) =>
        runs.DistinctBy(run => run.Name).Count() == runs.Length ? [.. runs.Select(run => run.Name)] : [.. runs.Select(run => run.Folder)];
}
