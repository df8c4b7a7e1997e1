using MambaExt.Fscil.Experiments;
using MambaExt.Fscil.Metrics;
using MambaExt.Training;
using Spectre.Console;

namespace MambaExt.Cli;

/// <summary>Progress of an fscil run on standard error, and the tables at the end.</summary>
internal sealed class FscilProgressView(int epochs, TextWriter error, bool live, TimeProvider clock)
{
    private static readonly TimeSpan LiveEvery = TimeSpan.FromMilliseconds(200), LineEvery = TimeSpan.FromSeconds(10);
    private long _shown = clock.GetTimestamp();

    public void Epoch(FscilRunKey key, EpochReport e) => Show(
        $"seed {key.Seed}, {key.Name}, epoch {e.Epoch} of {epochs}: loss {e.TrainLoss:f3}{(e.Validation is { } v ? $", validation {v.Score * 100:f2} (best {e.BestScore * 100:f2})" : "")}");

    public void Session(FscilRunKey key, SessionScores s) => Show($"seed {key.Seed}, {key.Name}, session {s.session}: overall {s.overall:f2}, base {s.@base:f2}{(s.novel is { } n ? $", novel {n:f2}" : "")}");

    public void Done(FscilRunKey key, FscilRun run)
    {
        _shown = clock.GetTimestamp();
        string clear = live ? "\r\x1b[K" : "";
        error.WriteLine(run.scores is not { } scores
            ? $"{clear}seed {key.Seed}, {(key is { Trial: 0, Head: null } ? "base session" : key.Name)}: {run.epochs} epochs in {run.base_seconds:f1} s{(run.validation is { } v ? $", validation {v:f2}" : "")}"
            : $"{clear}seed {key.Seed}, {key.Name}: average {scores.average:f2}, last {scores.sessions[^1].overall:f2} (base {scores.sessions[^1].@base:f2}, novel {scores.sessions[^1].novel:f2}), {run.base_seconds + run.session_seconds:f1} s");
    }

    /// <summary>A row a session for each method, a row a method, and what each is above or below another one.</summary>
    public static void Print(IReadOnlyList<FscilResult> results, IReadOnlyList<PairedDifference> paired)
    {
        FscilResult first = results[0];
        Console.WriteLine($"{first.dataset}, {first.variant}: {first.protocol}; accuracy in percent{(first.seeds.Count == 1 ? "" : $", mean of {first.seeds.Count} seeds")}{(first.chosen_by == "test" ? "; the epoch was chosen on test images" : "")}");
        if (results.Count == 1)
        {
            Write(["session", "classes", "overall", "base", "novel", "harmonic"], first.sessions.Select(s => new[] { $"{s.session}", $"{s.classes}", Figure(s.overall), Figure(s.@base), Figure(s.novel), Figure(s.harmonic) }));
        }
        else
        {
            Write(["method", .. first.sessions.Select(s => $"{s.session}")], results.Select(r => new[] { r.method }.Concat(r.sessions.Select(s => Figure(s.overall))).ToArray()));
        }

        Write(
            ["method", "average", "drop", "harmonic", "last base", "last novel", "last harmonic", "gAcc", "forgetting", "sessions s"],
            results.Select(r => new[]
            {
                r.method, With(r.average, r.average_std), Figure(r.drop), With(r.harmonic_mean, r.harmonic_std), Figure(r.sessions[^1].@base), Figure(r.sessions[^1].novel),
                Figure(r.harmonic_last), Figure(r.g_acc), Figure(r.forgetting), $"{r.runs.Average(x => x.session_seconds):f1}",
            }));
        if (paired.Count > 0)
        {
            Write([$"less {paired[0].against}, by seed", "average", "harmonic", "seeds"], paired.Select(p => new[] { p.method, Signed(p.average, p.average_se), Signed(p.harmonic_mean, p.harmonic_se), $"{p.seeds}" }));
        }
    }

    private static string Figure(double? value) => $"{value:f2}";

    // Standard errors, not deviations: they say how sure the sign is.
    private static string Signed(double value, double? error) => error is { } e ? $"{value:+0.00;-0.00;0.00} (se {e:f2})" : $"{value:+0.00;-0.00;0.00}";

    private static string With(double value, double? deviation) => deviation is { } d ? $"{value:f2} ± {d:f2}" : $"{value:f2}";

    private static void Write(IReadOnlyList<string> columns, IEnumerable<string[]> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        for (int i = 0; i < columns.Count; i++)
        {
            table.AddColumn(i == 0 ? new TableColumn(columns[i]) : new TableColumn(columns[i]).RightAligned());
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row);
        }

        TablePrinter.Print(table);
    }

    private void Show(string line)
    {
        if (clock.GetElapsedTime(_shown) < (live ? LiveEvery : LineEvery))
        {
            return;
        }

        _shown = clock.GetTimestamp();
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
}
