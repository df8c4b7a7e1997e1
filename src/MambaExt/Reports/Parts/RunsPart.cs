namespace MambaExt.Reports.Parts;

/// <summary>A row for each seed and split of each model.</summary>
internal static class RunsPart
{
    public static void Write(Html html, RunRecord run)
    {
        ModelScores[] models = [.. run.Models.Where(model => model.Runs.Count > 0)];
        if (models.Length == 0)
        {
            return;
        }

        using (html.Section("Runs"))
        {
            ModelFolds.Write(html, models, model => model.Model, (model, _) => WriteModel(html, run.Metric, model));
        }
    }

    private static void WriteModel(Html html, string metric, ModelScores model)
    {
        var table = new HtmlTable($"{model.Model}: {metric} in percent of each run", ["Seed", "Split", "Test", "Validation", "Chosen epoch", "Epochs", "Seconds"]) { RowClass = "run" };
        foreach (RunScore one in model.Runs)
        {
            table.Rows.Add([
                Figures.Any(one.Seed), Figures.Any(one.Split), Figures.Score(one.Test), Figures.Score(one.Validation), Figures.Count(one.BestEpoch), Figures.Count(one.Epochs),
                Figures.Seconds(one.Seconds)]);
        }

        table.Write(html);
    }
}
