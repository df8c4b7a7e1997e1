namespace MambaExt.Reports.Parts;

/// <summary>Every numeric key of <c>metrics.jsonl</c> over epochs: a path a run, their mean, and the numbers in a table below.</summary>
internal static class CurvesPart
{
    private const int MostCharts = 12, MostModels = 12, MostTableRuns = 10, MostTableRows = 40;

    private static readonly string[] First = ["train_loss", "val_loss", "val"];

    public static void Write(Html html, RunRecord run)
    {
        IGrouping<string, RunCurves>[] models = [.. run.Curves.Runs.Where(r => r.Curves.Count > 0).GroupBy(r => r.Model)];
        if (models.Length == 0)
        {
            return;
        }

        using (html.Section("Training"))
        {
            ModelFolds.Write(html, [.. models.Take(MostModels)], model => model.Key, (model, colour) => Charts(html, run, model, colour));
            Omitted(html, models.Length - MostModels, "models");
        }
    }

    private static void Charts(Html html, RunRecord run, IGrouping<string, RunCurves> model, int colour)
    {
        RunCurves[] runs = [.. model];
        string[] keys = [.. runs.SelectMany(r => r.Curves.Keys).Distinct().OrderBy(key => Array.IndexOf(First, key) is >= 0 and var at ? at : First.Length)];
        using (html.Open("div", ("class", "charts")))
        {
            foreach (string key in keys.Take(MostCharts))
            {
                RunCurves[] with = [.. runs.Where(r => r.Curves.ContainsKey(key))];
                bool splits = with.DistinctBy(r => r.Split).Count() > 1;
                ChartLine[] lines = [.. with.Select(r => new ChartLine(Label(r, splits), r.Curves[key], key == "val" ? Chosen(run, r) : null))];
                using (html.Open("figure", ("data-key", key), ("data-model", model.Key)))
                {
                    new LineChart(Title(key, run), with[0].Position, lines, key == "val", colour).Write(html);
                    Table(html, Title(key, run), with[0].Position, lines);
                }
            }
        }

        Omitted(html, keys.Length - MostCharts, "curves");
        Omitted(html, runs.Length - LineChart.MostLines, "lines of each chart (the means are over all)");
    }

    private static void Table(Html html, string title, string position, ChartLine[] lines)
    {
        IReadOnlyList<MeanPoint> mean = MeanCurve.Of([.. lines.Select(line => line.Points)]);
        ChartLine[] shown = [.. lines.Take(MostTableRuns)];
        var table = new HtmlTable(title, [position, .. lines.Length > 1 ? ["mean", "deviation"] : Array.Empty<string>(), .. shown.Select(line => line.Label)]);
        Dictionary<double, MeanPoint> means = mean.ToDictionary(p => p.X);
        Dictionary<double, double>[] values = [.. shown.Select(line => line.Points.ToDictionary(p => p.X, p => p.Y))];
        foreach (double x in Thinning.Evenly([.. shown.SelectMany(line => line.Points).Select(p => p.X).Distinct().Order()], MostTableRows))
        {
            bool all = means.TryGetValue(x, out MeanPoint at);
            string[] summary = lines.Length > 1 ? [Figures.Any(all ? at.Mean : null), Figures.Any(all ? at.Deviation : null)] : [];
            table.Rows.Add([Figures.Any(x), .. summary, .. values.Select(v => Figures.Any(v.TryGetValue(x, out double y) ? y : null))]);
        }

        using (html.Open("details"))
        {
            html.Element("summary", $"Numbers: {title}");
            table.Write(html);
            Omitted(html, lines.Length - MostTableRuns, "runs of the table");
        }
    }

    private static string Title(string key, RunRecord run) => key switch
    {
        "train_loss" => "Training loss",
        "val_loss" => "Validation loss",
        "val" => $"Validation {run.Metric}, %",
        "lr" or "learning_rate" => "Learning rate",
        _ => Figures.Short(ScoresPart.Capital(key.Replace('_', ' ')), 100),
    };

    private static string Label(RunCurves run, bool splits) =>
        (run.Seed is { } seed ? $"seed {Figures.Any(seed)}" : "run") + (splits && run.Split is { } split ? $", split {Figures.Any(split)}" : "");

    private static double? Chosen(RunRecord run, RunCurves curves) => run.Models.FirstOrDefault(model => model.Model == curves.Model)?
        .Runs.FirstOrDefault(one => one.Seed == curves.Seed && one.Split == curves.Split)?.BestEpoch;

    private static void Omitted(Html html, int count, string what)
    {
        if (count > 0)
        {
            html.Element("p", $"{count:n0} more {what} are left out.", ("class", "note"));
        }
    }
}
