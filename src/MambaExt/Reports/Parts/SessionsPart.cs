using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Few-shot class-incremental runs: a row a method, and of each the confusion matrix and where the class means lie.</summary>
internal static class SessionsPart
{
    private const int MostMethods = 20;

    private static readonly (string Key, string Title)[] Columns =
    [
        ("average", "Average"), ("drop", "Drop"), ("harmonic_mean", "Harmonic mean"), ("harmonic_last", "Last harmonic"), ("g_acc", "gAcc"), ("forgetting", "Forgetting"), ("bwt", "BWT"),
    ];

    /// <summary>The run is one of these.</summary>
    public static bool Shows(RunRecord run) => Methods(run).Length > 0;

    public static void Write(Html html, RunRecord run)
    {
        JsonElement[] methods = Methods(run);
        if (methods.Length == 0)
        {
            return;
        }

        string[] classes = [.. (run.Config?.Items("classes") ?? []).Select(c => c.Shown())];
        using (html.Section("Sessions"))
        {
            Table(html, methods);
            Last(html, methods);
            Paired(html, run);
            ModelFolds.Write(html, methods, Name, (method, colour) => Details(html, method, colour, classes));
        }
    }

    private static JsonElement[] Methods(RunRecord run)
    {
        IEnumerable<JsonElement> found = run.Result is not { } result ? [] : result.Items("results") is { Count: > 0 } several ? several : [result];
        return [.. found.Where(m => m.ValueKind == JsonValueKind.Object && m.Items("sessions").Count > 0 && m.Text("method") is not null).Take(MostMethods)];
    }

    private static string Name(JsonElement method) => Figures.Short(method.Text("method")!, 60);

    private static void Table(Html html, JsonElement[] methods)
    {
        var table = new HtmlTable("Accuracy on all classes so far after each session, %", ["Method", .. methods[0].Items("sessions").Select((_, t) => $"{t}")]) { Words = new HashSet<int> { 0 } };
        foreach (JsonElement method in methods)
        {
            table.Rows.Add([Name(method), .. method.Items("sessions").Select(s => Figures.Score(s.Number("overall"), null))]);
        }

        table.Write(html);
    }

    private static void Last(Html html, JsonElement[] methods)
    {
        var table = new HtmlTable("What is kept of the base classes and learned of the novel ones, %", ["Method", "Last: base", "Last: novel", .. Columns.Select(c => c.Title)]) { Words = new HashSet<int> { 0 } };
        foreach (JsonElement method in methods)
        {
            JsonElement last = method.Items("sessions")[^1];
            table.Rows.Add(
            [
                Name(method), Figures.Score(last.Number("base"), null), Figures.Score(last.Number("novel"), null),
                .. Columns.Select(c => Figures.Score(method.Number(c.Key), c.Key switch { "average" => method.Number("average_std"), "harmonic_mean" => method.Number("harmonic_std"), _ => null })),
            ]);
        }

        table.Write(html);
    }

    private static void Paired(Html html, RunRecord run)
    {
        JsonElement[] pairs = [.. (run.Result?.Items("paired") ?? []).Where(p => p.Text("method") is not null).Take(MostMethods)];
        if (pairs.Length == 0)
        {
            return;
        }

        var table = new HtmlTable(
            $"Less {Figures.Short(pairs[0].Text("against") ?? "", 60)}, seed by seed: mean difference in percentage points, and its standard error",
            ["Method", "Average", "Standard error", "Harmonic mean", "Standard error", "Seeds"])
        {
            Words = new HashSet<int> { 0 },
        };
        foreach (JsonElement pair in pairs)
        {
            table.Rows.Add(
                [Name(pair), Figures.Score(pair.Number("average")), Figures.Score(pair.Number("average_se")), Figures.Score(pair.Number("harmonic_mean")), Figures.Score(pair.Number("harmonic_se")), Figures.Count(pair.Number("seeds"))]);
        }

        table.Write(html);
    }

    private static void Details(Html html, JsonElement method, int colour, string[] classes)
    {
        JsonElement[] runs = [.. method.Items("runs")];
        int known = (int)(method.Items("sessions")[0].Number("classes") ?? 0);
        JsonElement? first = runs.Length > 0 ? runs[0] : null;
        SessionTables.Write(html, Name(method), method, runs);
        if (method.Items("trials") is { Count: > 0 } trials)
        {
            SettingsPart.Objects($"{Name(method)}: settings that were tried on base classes held back", [.. trials]).Write(html);
        }

        if (first?.Items("class_means") is { Count: > 0 } means)
        {
            ScatterPoint[] points = [.. means.Select((p, k) => new ScatterPoint(p.Number("x") ?? double.NaN, p.Number("y") ?? double.NaN, Class(k), k < known))];
            new ScatterChart("Class means, their two main directions", $"{points.Length} classes; full ones are base classes, rings novel ones.", points, colour).Write(html);
        }

        ConfusionMatrix[] matrices = [.. runs.Select(r => r.Key("scores")?.Key("confusion") is { } c ? ConfusionMatrix.Read(c) : null).OfType<ConfusionMatrix>()];
        if (matrices.Length > 0 && matrices.All(m => m.Classes == matrices[0].Classes))
        {
            ConfusionMatrix sum = ConfusionMatrix.Sum(matrices);
            if (sum.Classes > ConfusionTable.MostClasses && sum.Classes <= HeatMap.MostClasses)
            {
                new HeatMap($"{Name(method)}: confusion matrix of the test part", matrices.Length, sum, known, colour).Write(html);
            }
            else
            {
                ConfusionTable.Write(html, Name(method), matrices.Length, sum, [.. Enumerable.Range(0, sum.Classes).Select(Class)]);
            }
        }

        // Where the order of classes is drawn, the names of the first seed do not fit the others.
        string Class(int k) => runs.Length == 1 && k < classes.Length ? classes[k] : $"class {k}";
    }
}
