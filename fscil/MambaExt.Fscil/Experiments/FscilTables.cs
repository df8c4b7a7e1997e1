using System.Globalization;
using System.Text;
using MambaExt.Fscil.Metrics;
using MambaExt.Kernels;

namespace MambaExt.Fscil.Experiments;

/// <summary>The figures of a run as CSV files below its folder: <c>sessions.csv</c>, the matrix of each training, and its confusion matrix.</summary>
public static class FscilTables
{
    /// <summary>Writes them.</summary>
    public static void Write(string folder, IReadOnlyList<FscilResult> results)
    {
        Directory.CreateDirectory(Path.Combine(folder, "tables"));
        var sessions = new StringBuilder("method,seed,session,classes,overall,base,novel,old_novel,newest,harmonic\n");
        foreach (FscilRun run in results.SelectMany(r => r.runs))
        {
            foreach (SessionScores s in run.scores!.sessions)
            {
                sessions.Append(CultureInfo.InvariantCulture, $"{run.method},{run.seed},{s.session},{s.classes},{Cell(s.overall)},{Cell(s.@base)},{Cell(s.novel)},{Cell(s.old_novel)},{Cell(s.newest)},{Cell(s.harmonic)}\n");
            }

            Write(folder, $"matrix-{run.method}-seed-{run.seed}.csv", Rows(run.scores.matrix.Select(row => row.Select(v => Cell(v)))));
        }

        Write(folder, "sessions.csv", sessions.ToString());
    }

    /// <summary>The confusion matrix of a training, which is written when the training is done: it is too large for a result that holds many.</summary>
    public static (string Path, byte[] Content) Confusion(FscilRun run)
    {
        int[,] counts = run.scores!.Confusion;
        int size = counts.GetLength(0);
        string rows = Rows(Enumerable.Range(0, size).Select(r => Enumerable.Range(0, size).Select(c => counts[r, c].ToString(CultureInfo.InvariantCulture))));
        return (FormattableString.Invariant($"tables/confusion-{run.method}-seed-{run.seed}.csv"), Encoding.UTF8.GetBytes(rows));
    }

    private static string Rows(IEnumerable<IEnumerable<string>> rows) => string.Concat(rows.Select(row => string.Join(',', row) + "\n"));

    private static string Cell(double? value) => value?.ToString("f4", CultureInfo.InvariantCulture) ?? "";

    private static void Write(string folder, string name, string text) =>
        PartialFile.Write(Path.Combine(folder, "tables", name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
