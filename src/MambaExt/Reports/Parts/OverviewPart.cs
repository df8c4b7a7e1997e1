using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>What was run on which data, and how it ended.</summary>
internal static class OverviewPart
{
    public static void Write(Html html, RunRecord run)
    {
        if (run.Models.Count > 0)
        {
            ModelScores main = run.Models[0];
            using (html.Open("p", ("class", "lead")))
            {
                html.Text($"{main.Model}: test {run.Metric} ");
                html.Element("strong", $"{Figures.Score(main.Test, main.TestDeviation)} %");
                html.Text(main.Runs.Count switch
                {
                    0 => ".",
                    1 => ", one run.",
                    var n => $", mean ± sample deviation over {n:n0} runs.",
                });
            }
        }

        Warnings(html, run);
        using (html.Open("dl", ("class", "facts")))
        {
            foreach (var (name, value) in Facts(run).Where(fact => fact.Value is not null))
            {
                using (html.Open("div"))
                {
                    html.Element("dt", name);
                    html.Element("dd", Figures.Short(value!, 200));
                }
            }
        }
    }

    /// <summary>How the data relate to the published ones.</summary>
    public static string Describe(string variant) => variant switch
    {
        "official" => "official: files with the published SHA-256",
        "drawn" => "drawn from its definition, no files",
        _ => variant,
    };

    public static bool IsUnofficial(string? variant) => variant?.StartsWith("unofficial", StringComparison.OrdinalIgnoreCase) == true;

    private static void Warnings(Html html, RunRecord run)
    {
        if (run.Result is null)
        {
            Warn(html, "Not finished.", "There is no result.json: the run is still under way, or it was stopped. What is shown is what it had written.");
        }

        if (IsUnofficial(run.Variant))
        {
            string files = string.Join(", ", (run.Config?.Items("files") ?? []).Where(file => (file.Key("Official") ?? file.Key("official"))?.ValueKind == JsonValueKind.False)
                .Select(file => file.Text("Name") ?? file.Text("name")).OfType<string>());
            Warn(
                html, "Unofficial data.",
                $"{(files.Length == 0 ? "The data" : "These files")} differ from the published ones{(files.Length == 0 ? "" : $" ({Figures.Short(files, 300)})")}, so no score here may be set beside a published one.");
        }

        if (run.Curves.Unreadable > 0)
        {
            Warn(html, "Damaged metrics.", $"{run.Curves.Unreadable:n0} line{(run.Curves.Unreadable == 1 ? "" : "s")} of metrics.jsonl could not be read.");
        }

        if (run.Curves.Incomplete)
        {
            Warn(html, "Too many curves.", "metrics.jsonl holds more runs or keys than are drawn; the others are left out.");
        }
    }

    private static void Warn(Html html, string what, string why)
    {
        using (html.Open("p", ("class", "warning"), ("role", "note")))
        {
            html.Element("strong", what);
            html.Text($" {why}");
        }
    }

    private static IEnumerable<(string Name, string? Value)> Facts(RunRecord run)
    {
        ModelScores? main = run.Models.FirstOrDefault();
        yield return ("Data set", run.DataSet);
        yield return ("Data", run.Variant is { } variant ? Describe(variant) : null);
        yield return ("Command", run.Config?.Text("command") is { } command ? $"mambaext {command}" : null);
        yield return ("Method", main is null ? run.Result?.Text("method") ?? run.Result?.Text("mode") : null);
        yield return ("Models", run.Models.Count > 0 ? string.Join(", ", run.Models.Select(model => model.Model)) : run.Config?.Key("models")?.Shown());
        yield return ("Test data read", run.Models.Any(m => m.TestReads is not null) ? $"{Figures.Count(run.Models.Sum(m => m.TestReads ?? 0))} times, once a run" : null);
        yield return ("Run folder", run.Name);
    }
}
