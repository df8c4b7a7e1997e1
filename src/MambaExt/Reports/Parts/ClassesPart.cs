using MambaExt.Training;

namespace MambaExt.Reports.Parts;

/// <summary>Precision, recall and F1 of each class and the confusion matrix, where the runs recorded one.</summary>
internal static class ClassesPart
{
    private const int MostDrawn = 30;

    public static void Write(Html html, RunRecord run)
    {
        ModelScores[] models = [.. run.Models.Where(model => model.Runs.Any(one => one.Confusion is not null))];
        if (models.Length == 0)
        {
            return;
        }

        using (html.Section("Classes"))
        {
            ModelFolds.Write(html, models, model => model.Model, (model, colour) => WriteModel(html, model, colour));
        }
    }

    private static void WriteModel(Html html, ModelScores model, int colour)
    {
        ConfusionMatrix first = model.Runs.First(one => one.Confusion is not null).Confusion!;
        ConfusionMatrix[] runs = [.. model.Runs.Select(one => one.Confusion).OfType<ConfusionMatrix>().Where(one => one.Classes == first.Classes)];
        ConfusionMatrix sum = ConfusionMatrix.Sum(runs);
        string[] names = [.. Enumerable.Range(0, sum.Classes).Select(k => k < model.Classes.Count ? model.Classes[k] : $"class {k}")];
        MeanDeviation?[] recall = [.. Enumerable.Range(0, sum.Classes).Select(k => ModelScores.Mean(runs.Select(one => one.Recall(k))))];
        if (runs.Length < model.Runs.Count)
        {
            html.Element("p", $"{model.Runs.Count - runs.Length} of {model.Runs.Count} runs recorded no confusion matrix of this size and are left out.", ("class", "note"));
        }

        Table(html, model, runs.Length, sum, names, recall);
        ScoresPart.ChartOf(html, "Recall of each class, %", names.Index().Take(MostDrawn).Select(k => new DotRow(
            k.Item, recall[k.Index]?.Mean, recall[k.Index]?.Deviation, [.. runs.Select(one => one.Recall(k.Index)).OfType<double>()], colour)));
        ConfusionTable.Write(html, model.Model, runs.Length, sum, names);
    }

    private static void Table(Html html, ModelScores model, int runs, ConfusionMatrix sum, string[] names, MeanDeviation?[] recall)
    {
        int[] classes = [.. Enumerable.Range(0, sum.Classes)];
        var table = new HtmlTable(
            $"{model.Model}: classes of the test part in percent{(runs == 1 ? "" : $"; counts of {runs} runs together, recall as mean ± sample deviation over them")}",
            ["Class", "Precision", "Recall", "F1", runs == 1 ? "Support" : $"Support, {runs} runs"])
        {
            RowClass = "class",
            Foot = ["unweighted mean", Figures.Score(Mean(sum.Precision)), Figures.Score(Mean(k => recall[k]?.Mean)), Figures.Score(Mean(sum.F1)), Figures.Count(classes.Sum(sum.Support))],
        };
        foreach (int k in classes)
        {
            table.Rows.Add([names[k], Figures.Score(sum.Precision(k)), Figures.Score(recall[k]?.Mean, recall[k]?.Deviation), Figures.Score(sum.F1(k)), Figures.Count(sum.Support(k))]);
        }

        table.Write(html);

        double? Mean(Func<int, double?> value) => ModelScores.Mean(classes.Select(value))?.Mean;
    }
}
