using MambaExt.Graph.Training;
using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>Progress of graph training on standard error, and the table at the end. On a terminal one line renews itself; where it is
/// piped there is a line a run, and one every ten seconds while a run is under way.</summary>
internal sealed class GraphProgressView(int runs, int epochs, TextWriter error, bool live, TimeProvider clock)
{
    private static readonly TimeSpan LiveEvery = TimeSpan.FromMilliseconds(200), LineEvery = TimeSpan.FromSeconds(10);

    private readonly long _start = clock.GetTimestamp();
    private long _shown = clock.GetTimestamp();
    private int _done;

    public void Epoch(NodeEpoch e)
    {
        if (clock.GetElapsedTime(_shown) < (live ? LiveEvery : LineEvery))
        {
            return;
        }

        _shown = clock.GetTimestamp();
        double part = (_done + (double)e.epoch / epochs) / runs;
        TimeSpan spent = clock.GetElapsedTime(_start);
        string line = $"{e.model}, run {_done + 1} of {runs}, epoch {e.epoch} of {epochs}: loss {e.train_loss:f3}, validation {e.val:f2} (best {e.best_val:f2}), at most {Clock(spent / part - spent)} left";
        if (live)
        {
            // A line that wraps could not be taken back.
            int width = Math.Max(20, AnsiConsole.Profile.Width - 1);
            error.Write($"\r\x1b[K{(line.Length > width ? line[..width] : line)}");
        }
        else
        {
            error.WriteLine(line);
        }
    }

    public void Done(NodeRunKey key, NodeRun run)
    {
        _done++;
        _shown = clock.GetTimestamp();
        string clear = live ? "\r\x1b[K" : "";
        error.WriteLine($"{clear}{key.Model}, run {_done} of {runs} (seed {run.seed}, split {run.split}): validation {run.val:f2}, test {run.test:f2}, {run.epochs} epochs in {run.seconds:f1} s");
    }

    /// <summary>A row a model.</summary>
    public static void Table(IReadOnlyList<NodeResult> results)
    {
        NodeResult first = results[0];
        string metric = first.metric == "roc_auc" ? "ROC AUC" : "accuracy";
        Console.WriteLine($"{first.dataset}, {first.variant}: {metric} in percent, {(first.runs.Count == 1 ? "1 run" : $"mean ± deviation of {first.runs.Count} runs")}");
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("model");
        foreach (string name in new[] { "test", "validation", "parameters", "epochs", "seconds" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (NodeResult r in results)
        {
            table.AddRow(
                r.model, r.test_std is { } std ? $"{r.test_mean:f2} ± {std:f2}" : $"{r.test_mean:f2}", $"{r.val_mean:f2}", $"{r.parameters:n0}",
                $"{r.runs.Average(x => x.epochs):f0}", $"{r.runs.Sum(x => x.seconds):f1}");
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) }).Write(table);
    }

    private static string Clock(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time:mm\\:ss}" : $"{time:m\\:ss}";
}
