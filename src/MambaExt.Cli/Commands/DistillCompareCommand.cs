using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Training;
using MambaExt.Distributed;
using MambaExt.Kernels;
using MambaExt.Reports;
using MambaExt.Runs;
using Spectre.Console;

namespace MambaExt.Cli.Commands;

/// <summary><c>mambaext distill compare</c>: modes against modes with the same teachers. Each cell is a run folder, and a cell that is done is not run again: the same
/// command goes on where it was stopped, and may name further modes.</summary>
internal static class DistillCompareCommand
{
    private const string Name = "distill compare";
    private static readonly DistillDataOptions Data = new();
    private static readonly Option<string[]> Modes = CommonOptions.List("--modes", $"Required: modes, one or several: {string.Join(", ", StageMode.Names)}.");
    private static readonly Option<int> Seeds = CommonOptions.Number("--seeds", "N", "Seeds 0 ... N-1.", 1, 1000);
    private static readonly Option<int> Epochs = CommonOptions.Number("--epochs", "N", "Epochs of every training (default: the recipe's own).", 1, 1_000_000);
    private static readonly Option<string?> Out = CommonOptions.Folder("--out", "Folder of the comparison, new or to go on with (default: a new one below ./runs).");
    private static readonly Option<int> Threads = CommonOptions.Threads();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Seeds.DefaultValueFactory = _ => 1;
        var command = new Command("compare", "Distil with several modes against the same teachers; one table of every prefix. Run it again with the same --out to go on.");
        foreach (Option option in Data.All.Concat([Modes, Seeds, Epochs, Out, RunSession.CheckpointOption, RunSession.DeterministicOption, Threads, Json]))
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
        using ICommunicator ranks = Communicators.FromEnvironment();
        if (ranks.Size > 1)
        {
            throw new ArgumentException($"{Name} runs in one process and was started in {ranks.Size}; start it without mpirun, or one comparison a machine with an --out of its own.");
        }

        RunSession.UseThreads(parsed, parsed, Threads);
        string folder = Path.GetFullPath(parsed.GetValue(Out) ?? RunFolder.NewPath("runs", "distill-compare"));
        string[] modes = [.. parsed.GetValue(Modes)!.Distinct()];
        ImageDataSet data = Data.Load(parsed);
        int seeds = parsed.GetValue(Seeds);

        // Everything that can be wrong is found before the first cell, which may take hours.
        string teachers = Path.Combine(folder, data.Name, modes[0]);
        DistillTask[] tasks = [.. modes.Select(mode => DistillTask.Prepare(data, Recipe(parsed, DistillRecipes.For(data), mode, mode == modes[0] ? null : teachers)))];
        Console.Error.WriteLine(data.Summary);
        JsonObject[] cells = [.. tasks.Select((task, i) => Cell(parsed, ranks, task, seeds, Path.Combine(folder, data.Name, modes[i]), $"{i + 1} of {modes.Length}", token))];
        JsonNode document = JsonResult.Node(new { cells, run_dir = folder });
        PartialFile.Write(Path.Combine(folder, "result.json"), stream => JsonSerializer.Serialize(stream, document, JsonResult.Indented));
        RunReport.Write([.. modes.Select(mode => Path.Combine(folder, data.Name, mode))], Path.Combine(folder, RunReport.FileName));
        if (parsed.GetValue(Json))
        {
            JsonResult.Write(document);
        }
        else
        {
            Print(cells);
            Console.WriteLine($"Runs: {folder}");
            Console.WriteLine($"Report: {Path.Combine(folder, RunReport.FileName)}");
        }

        return ExitCode.Done;
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

    /// <summary>The cell's result, from its folder if it is done.</summary>
    private static JsonObject Cell(ParseResult parsed, ICommunicator ranks, DistillTask task, int seeds, string path, string place, CancellationToken token)
    {
        JsonObject config = RunSession.Config(parsed, Name, Data.Paths, ranks), cell = DistillRuns.Describe(task, 0, seeds);
        foreach (var (key, value) in cell)
        {
            config[key] = value?.DeepClone();
        }

        JsonObject? before = RunFolder.Read(path, "config.json");
        if (before is not null && RunFolder.Read(path, "result.json") is { } done)
        {
            // What it was computed with may be older; what was computed must be what is asked for.
            RunSession.RequireSame(path, before, config, cell.Select(p => p.Key));
            Console.Error.WriteLine($"{place}: {task.Recipe.distill.mode}: done before.");
            return done;
        }

        using RunSession session = RunSession.Open(path, before is not null, Name, config, ranks);
        Console.Error.WriteLine($"{place}: mode {task.Recipe.distill.mode}");
        try
        {
            DistillRuns.Execute(session, task, seeds, 0, parsed.GetValue(RunSession.CheckpointOption), token);
        }
        catch (OperationCanceledException)
        {
            throw new InterruptedRunException($"Interrupted; what is done is kept. Go on with the same command and --out {Path.GetDirectoryName(Path.GetDirectoryName(path))}");
        }

        return RunFolder.Read(path, "result.json")!;
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

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) }).Write(table);
    }

    private static string Score(JsonNode prefix) =>
        prefix["accuracy_std"] is { } std ? $"{prefix["accuracy"]!.GetValue<double>():f2} ± {std.GetValue<double>():f2}" : $"{prefix["accuracy"]!.GetValue<double>():f2}";
}
