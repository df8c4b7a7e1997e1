using System.CommandLine;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Training;
using Spectre.Console;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext distill compare</c>: modes against modes with the same teachers.</summary>
internal static class DistillCompareCommand
{
    private const string Name = "distill compare";
    private static readonly DistillDataOptions Data = new();
    private static readonly Option<string[]> Modes = CommonOptions.List("--modes", $"Required: modes, one or several: {string.Join(", ", StageMode.Names)}.");
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "Seeds 0 ... N-1.", 1, 1000);
    private static readonly Option<int> Epochs = CommonOptions.Number("--epochs", "N", "Epochs of every training (default: the recipe's own).", 1, 1_000_000);
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Seeds.DefaultValueFactory = _ => 1;
        var command = new Command("compare", "Distil with several modes against the same teachers; one table of every prefix. Run it again with the same --out to go on.");
        foreach (Option option in Data.All.Concat([Modes, Seeds, Epochs, Comparison.Out, RunSession.CheckpointOption, RunSession.DeterministicOption, Threads, Json]))
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            Data.Check(result);
            if (result.GetResult(Modes) is null)
            {
                result.AddError($"--modes is missing; known are {string.Join(", ", StageMode.Names)}.");
            }
        });
        command.SetAction((parsed, token) => Task.Run(() => Run(parsed, token), token));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken token)
    {
        using var comparison = new Comparison(parsed, Name, "distill-compare", Data.Paths);
        RunSession.UseThreads(parsed, parsed, Threads);
        string[] modes = [.. parsed.GetValue(Modes)!.Distinct()];
        ImageDataSet data = Data.Load(parsed);
        int seeds = parsed.GetValue(Seeds);

        // Everything that can be wrong is found before the first cell, which may take hours.
        string teachers = comparison.PathOf(data.Name, modes[0]);
        DistillTask[] tasks = [.. modes.Select(mode => DistillTask.Prepare(data, Recipe(parsed, DistillRecipes.For(data), mode, mode == modes[0] ? null : teachers)))];
        Console.Error.WriteLine(data.Summary);
        JsonObject[] cells = [.. tasks.Select((task, i) => comparison.Cell(
            data.Name, modes[i], $"{i + 1} of {modes.Length}", DistillRuns.Describe(task, 0, seeds), $"mode {modes[i]}",
            session => DistillRuns.Execute(session, task, seeds, 0, parsed.GetValue(RunSession.CheckpointOption), token)))];
        return comparison.Finish(JsonResult.Node(new { cells, run_dir = comparison.Folder }), Json, () => Print(cells));
    }

    private static DistillRecipe Recipe(ParseResult parsed, DistillRecipe recipe, string mode, string? teachers)
    {
        recipe = recipe with { teacher_from = teachers, single = teachers is null, without_teacher = teachers is null, distill = recipe.distill with { mode = mode } };
        return parsed.GetResult(Epochs) is not { Implicit: false } ? recipe : recipe with
        {
            teacher_training = recipe.teacher_training with { epochs = parsed.GetValue(Epochs) },
            distill = recipe.distill with { training = recipe.distill.training with { epochs = parsed.GetValue(Epochs) } },
        };
    }

    /// <summary>A row a prefix, a column a mode.</summary>
    private static void Print(JsonObject[] cells)
    {
        JsonObject first = cells[0];
        Console.WriteLine($"{first["dataset"]}, {first["variant"]}: test accuracy in percent; teacher {first["teacher"]!["accuracy"]!.GetValue<double>():f2}");
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("prefix");
        table.AddColumn(new TableColumn("% of teacher").RightAligned());
        foreach (JsonObject cell in cells)
        {
            table.AddColumn(new TableColumn($"{cell["mode"]}").RightAligned());
        }

        int rows = cells.Max(c => ((JsonArray)c["prefixes"]!).Count);
        for (int t = 0; t < rows; t++)
        {
            JsonNode?[] prefixes = [.. cells.Select(c => ((JsonArray)c["prefixes"]!).ElementAtOrDefault(t))];
            double share = 100 * prefixes.First(p => p is not null)!["flops_fraction"]!.GetValue<double>();
            table.AddRow([$"{t + 1}", $"{share:f1}", .. prefixes.Select(p => p is null ? "" : Score(p))]);
        }

        TablePrinter.Print(table);
    }

    private static string Score(JsonNode prefix) =>
        prefix["accuracy_std"] is { } std ? $"{prefix["accuracy"]!.GetValue<double>():f2} ± {std.GetValue<double>():f2}" : $"{prefix["accuracy"]!.GetValue<double>():f2}";
}
