using System.Diagnostics;
using MambaExt.Graph.Training;
using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>Progress of graph training on standard error: one line that renews itself, or a line a run where it is piped; and the table at the end.</summary>
internal sealed class GraphProgressView(int runs, int epochs)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly bool _live = !Console.IsErrorRedirected;
    private long _shown;
    private int _done;
    private string _model = "";

    public void Begin(string model) => _model = model;

    public void Epoch(NodeEpoch e)
    {
        if (!_live || Stopwatch.GetElapsedTime(_shown).TotalMilliseconds < 200)
        {
            return;
        }

        _shown = Stopwatch.GetTimestamp();
        double part = (_done + (double)e.epoch / epochs) / runs, seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        string left = part > 0.02 ? $", about {TimeSpan.FromSeconds(seconds / part - seconds):m\\:ss} left" : "";
        Console.Error.Write($"\r\x1b[K{_model}, run {_done + 1} of {runs}, epoch {e.epoch}: loss {e.train_loss:f3}, validation {e.val:f2} (best {e.best_val:f2}){left}");
    }

    public void Done(NodeRun run)
    {
        _done++;
        string clear = _live ? "\r\x1b[K" : "";
        Console.Error.WriteLine($"{clear}{_model}, run {_done} of {runs} (seed {run.seed}, split {run.split}): validation {run.val:f2}, test {run.test:f2}, {run.epochs} epochs in {run.seconds:f1} s");
    }

    public static void Table(IReadOnlyList<NodeResult> results)
    {
        NodeResult first = results[0];
        string metric = first.metric == "roc_auc" ? "ROC AUC" : "accuracy";
        var table = new Table().Border(TableBorder.Simple).Title($"{first.dataset}, {first.variant}: {metric}, {first.runs.Count} run(s)");
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

        AnsiConsole.Write(table);
    }
}
