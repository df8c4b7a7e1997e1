using System.Text.Json.Nodes;
using MambaExt.Graph.Training;
using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>The table of <c>graph compare</c>: a block a data set, own rows before published ones.</summary>
internal static class ComparisonTable
{
    public static void Print(IReadOnlyList<JsonObject> cells, IReadOnlyList<PublishedScore> published)
    {
        foreach (IGrouping<string, JsonObject> block in cells.GroupBy(cell => cell["dataset"]!.GetValue<string>()))
        {
            JsonObject first = block.First();
            Console.WriteLine($"{block.Key}, {Text(first, "variant")}: {(Text(first, "metric") == "roc_auc" ? "ROC AUC" : "accuracy")} in percent, mean ± sample deviation");
            var table = new Table().Border(TableBorder.Simple);
            table.AddColumn("model");
            foreach (string name in new[] { "test", "val", "runs", "params", "s/epoch", "peak MB", "trials" })
            {
                table.AddColumn(new TableColumn(name).RightAligned());
            }

            foreach (JsonObject cell in block)
            {
                table.AddRow(
                    Text(cell, "model"), Score(Number(cell, "test_mean"), cell["test_std"]?.GetValue<double>()), $"{Number(cell, "val_mean"):f2}", $"{((JsonArray)cell["runs"]!).Count}",
                    $"{Number(cell, "parameters"):n0}", $"{Number(cell, "seconds_per_epoch"):f3}", $"{Number(cell, "peak_bytes") / 1e6:f0}", $"{((JsonArray)cell["trials"]!).Count}");
            }

            TablePrinter.Print(table);
            foreach (PublishedScore score in published.Where(p => p.dataset == block.Key))
            {
                Console.WriteLine($"  published: {score.model}, {Score(score.mean, score.deviation)} ({score.source})");
            }
        }
    }

    private static string Score(double mean, double? deviation) => deviation is null ? $"{mean:f2}" : $"{mean:f2} ± {deviation:f2}";

    private static string Text(JsonObject cell, string key) => cell[key]!.GetValue<string>();

    private static double Number(JsonObject cell, string key) => cell[key]!.GetValue<double>();
}
