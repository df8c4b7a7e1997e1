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

    // Epochs seen in this session: a resumed run has others behind it that took no time here.
    private int _seen;
    private int? _last;

    public void Epoch(NodeEpoch e)
    {
        _seen += e.epoch - (_last ?? e.epoch - 1);
        _last = e.epoch;
        if (clock.GetElapsedTime(_shown) < (live ? LiveEvery : LineEvery))
        {
            return;
        }

        _shown = clock.GetTimestamp();
        TimeSpan spent = clock.GetElapsedTime(_start);
        double rate = _seen / Math.Max(spent.TotalSeconds, 1e-3);
        long left = ((long)(runs - _done) * epochs) - e.epoch;
        string line = $"{e.model}, run {_done + 1} of {runs}, epoch {e.epoch} of {epochs}: loss {e.train_loss:f3}, validation {e.val:f2} (best {e.best_val:f2}), {rate:f1} epochs/s, at most {Clock(TimeSpan.FromSeconds(left / Math.Max(rate, 1e-6)))} left";
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
        _last = _last is null ? null : 0;
        _shown = clock.GetTimestamp();
        string clear = live ? "\r\x1b[K" : "";
        error.WriteLine($"{clear}{key.Model}, run {_done} of {runs} (seed {run.seed}, split {run.split}): validation {run.val:f2}{(double.IsNaN(run.test) ? "" : $", test {run.test:f2}")}, {run.epochs} epochs in {run.seconds:f1} s");
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

        TablePrinter.Print(table);
    }

    private static string Clock(TimeSpan time) => time.TotalHours >= 1 ? $"{(int)time.TotalHours}:{time:mm\\:ss}" : $"{time:m\\:ss}";
}
