using System.Text.Json;
using MambaExt.Training;

namespace MambaExt.Reports;

/// <summary>One run of a model: a seed on a split.</summary>
internal sealed record RunScore(double? Seed, double? Split, double? Validation, double? Test, double? Epochs, double? BestEpoch, double? Seconds, ConfusionMatrix? Confusion)
{
    public static RunScore Read(JsonElement run) => new(
        run.Number("seed"), run.Number("split") ?? run.Number("fold"), run.Number("val"), run.Number("test"), run.Number("epochs"), run.Number("best_epoch"), run.Number("seconds"),
        run.Key("confusion") is { } matrix ? ConfusionMatrix.Read(matrix) : null);
}

/// <summary>Scores of one model over its runs, in percent. Deviations are sample deviations.</summary>
internal sealed record ModelScores(
    string Model, string? Metric, double? Test, double? TestDeviation, double? Validation, double? ValidationDeviation,
    IReadOnlyList<RunScore> Runs, double? Parameters, double? PeakBytes, double? TestReads, IReadOnlyList<string> Classes)
{
    /// <summary>Wall time of all runs.</summary>
    public double? Seconds => Runs.Any(run => run.Seconds is not null) ? Runs.Sum(run => run.Seconds ?? 0) : null;

    /// <summary>The model of a result and its ablations; none where the result is of another kind.</summary>
    public static IReadOnlyList<ModelScores> Read(JsonElement? result)
    {
        if (result is not { } main || main.Number("test_mean") is null)
        {
            return [];
        }

        string[] classes = Names(main);
        return [ReadOne(main, classes), .. main.Items("ablations").Where(model => model.ValueKind == JsonValueKind.Object).Select(model => ReadOne(model, classes))];
    }

    public static string MetricName(string? metric) => metric switch
    {
        null => "score",
        "roc_auc" => "ROC AUC",
        _ => metric.Replace('_', ' '),
    };

    private static ModelScores ReadOne(JsonElement model, string[] classes)
    {
        RunScore[] runs = [.. model.Items("runs").Select(RunScore.Read)];
        MeanDeviation? validation = Mean(runs.Select(run => run.Validation)), test = Mean(runs.Select(run => run.Test));
        return new ModelScores(
            model.Text("model") ?? "model", model.Text("metric"), model.Number("test_mean") ?? test?.Mean, model.Number("test_std") ?? test?.Deviation,
            model.Number("val_mean") ?? validation?.Mean, validation?.Deviation, runs, model.Number("parameters"), model.Number("peak_bytes"), model.Number("test_reads"),
            Names(model) is { Length: > 0 } own ? own : classes);
    }

    /// <summary>Mean and deviation of the values that are there; null where there is none.</summary>
    public static MeanDeviation? Mean(IEnumerable<double?> values) =>
        values.OfType<double>().ToArray() is { Length: > 0 } present ? Metrics.MeanAndDeviation(present) : null;

    private static string[] Names(JsonElement model) => [.. model.Items("classes").Select(name => name.Shown())];
}
