namespace MambaExt.Reports.Parts;

/// <summary>Scores of the models of one run, in a table and, where there are several models, as dots.</summary>
internal static class ScoresPart
{
    public static void Write(Html html, RunRecord run)
    {
        if (run.Models.Count == 0)
        {
            return;
        }

        using (html.Section("Results"))
        {
            var table = new HtmlTable(
                $"{Capital(run.Metric)} in percent, mean ± sample deviation over runs. The epoch is chosen on validation data.",
                ["Model", "Test", "Validation", "Runs", "Epochs", "Parameters", "Seconds", "Peak memory"])
            { RowClass = "model" };
            foreach (ModelScores model in run.Models)
            {
                table.Rows.Add([
                    model.Model, Figures.Score(model.Test, model.TestDeviation), Figures.Score(model.Validation, model.ValidationDeviation), Figures.Count(model.Runs.Count),
                    Figures.Count(ModelScores.Mean(model.Runs.Select(r => r.Epochs))?.Mean), Figures.Count(model.Parameters), Figures.Seconds(model.Seconds), Figures.Megabytes(model.PeakBytes)]);
            }

            table.Write(html);
            if (run.Models.Count > 1)
            {
                ChartOf(html, $"Test {run.Metric}, %", run.Models.Index().Select(m => Row(m.Item, m.Item.Model, m.Index)));
            }
        }
    }

    public static DotRow Row(ModelScores model, string label, int colour) =>
        new(label, model.Test, model.TestDeviation, [.. model.Runs.Select(run => run.Test).OfType<double>()], colour);

    public static void ChartOf(Html html, string title, IEnumerable<DotRow> rows)
    {
        using (html.Open("figure", ("class", "single")))
        {
            new DotChart(title, "percent", [.. rows]).Write(html);
        }
    }

    public static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
