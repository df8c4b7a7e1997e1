using System.Security.Cryptography;
using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Several runs side by side: their scores, and the options in which they differ.</summary>
internal static class ComparisonPart
{
    public static void Write(Html html, IReadOnlyList<RunRecord> runs, IReadOnlyList<string> names)
    {
        using (html.Section("Results"))
        {
            Scores(html, runs, names);
            foreach (var group in runs.Zip(names).Where(r => r.First.Models.Count > 0).GroupBy(r => (r.First.DataSet, r.First.Variant, r.First.Metric)))
            {
                var rows = group.Index().SelectMany(r => r.Item.First.Models.Select(model => ScoresPart.Row(model, Label(r.Item.Second, r.Item.First, model), r.Index)));
                ScoresPart.ChartOf(html, $"Test {group.Key.Metric}, %: {group.Key.DataSet}{(OverviewPart.IsUnofficial(group.Key.Variant) ? " (unofficial)" : "")}", rows);
            }
        }

        using (html.Section("What differs"))
        {
            Differences(html, runs, names);
        }
    }

    private static void Scores(Html html, IReadOnlyList<RunRecord> runs, IReadOnlyList<string> names)
    {
        var table = new HtmlTable(
            "Scores in percent, mean ± sample deviation over the runs of each model", ["Run", "Data set, score", "Data", "Model", "Test", "Validation", "Runs", "Parameters", "Seconds"])
        {
            RowClass = "model", Words = new HashSet<int> { 1, 2, 3 },
        };
        foreach (var (run, name) in runs.Zip(names))
        {
            if (run.Models.Count == 0)
            {
                table.Rows.Add([name, run.DataSet, run.Variant ?? Figures.Absent, run.Result is null ? "not finished" : Figures.Absent, .. Enumerable.Repeat(Figures.Absent, 5)]);
            }

            foreach (ModelScores model in run.Models)
            {
                table.Rows.Add([
                    name, $"{run.DataSet}, {run.Metric}", run.Variant ?? Figures.Absent, model.Model, Figures.Score(model.Test, model.TestDeviation),
                    Figures.Score(model.Validation, model.ValidationDeviation), Figures.Count(model.Runs.Count), Figures.Count(model.Parameters), Figures.Seconds(model.Seconds)]);
            }
        }

        table.Write(html);
    }

    /// <summary>Options that are equal in all runs are not shown.</summary>
    private static void Differences(Html html, IReadOnlyList<RunRecord> runs, IReadOnlyList<string> names)
    {
        // JSON may name a key twice; the last one holds, as everywhere.
        Dictionary<string, JsonElement>[] options = [.. runs.Select(run => (run.Config?.Leaves() ?? []).GroupBy(leaf => leaf.Name).ToDictionary(leaf => leaf.Key, leaf => leaf.Last().Value))];
        string[] known = [.. options.SelectMany(o => o.Keys).Distinct()];
        var table = new HtmlTable("Options in which the runs differ", ["Option", .. names]) { RowClass = "difference", Words = Enumerable.Range(1, runs.Count).ToHashSet() };
        foreach (string name in known)
        {
            JsonElement?[] values = [.. options.Select(o => o.TryGetValue(name, out JsonElement value) ? value : (JsonElement?)null)];
            if (values.Skip(1).Any(value => !Equal(value, values[0])))
            {
                table.Rows.Add([name, .. values.Select(value => value is { } given ? Brief(given) : Figures.Absent)]);
            }
        }

        if (table.Rows.Count > 0)
        {
            table.Write(html);
        }

        html.Element("p", table.Rows.Count > 0 ? $"{known.Length - table.Rows.Count:n0} other options are equal." : "All options are equal.", ("class", "note"));
    }

    private static bool Equal(JsonElement? one, JsonElement? other) =>
        one is { } a && other is { } b ? JsonElement.DeepEquals(a, b) : one is null && other is null;

    /// <summary>A list of objects, such as data files, would fill the page: its length and a fingerprint tell whether two are the same.</summary>
    private static string Brief(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Object)
        ? $"{value.GetArrayLength()} entries, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(value)))[..8]}"
        : value.Shown();

    private static string Label(string name, RunRecord run, ModelScores model) => run.Models.Count == 1 && name.Contains(model.Model, StringComparison.Ordinal) ? name : $"{name}: {model.Model}";
}
