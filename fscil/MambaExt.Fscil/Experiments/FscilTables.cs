using System.Globalization;
using System.Text;
using MambaExt.Fscil.Metrics;
using MambaExt.Kernels;

namespace MambaExt.Fscil.Experiments;

/// <summary>The figures of a run as CSV files below its folder: <c>sessions.csv</c>, the matrix of each run, and its confusion matrix.</summary>
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
            int[,] confusion = run.scores.Confusion;
            if (confusion.Length > 0)
            {
                int size = confusion.GetLength(0);
                Write(folder, $"confusion-{run.method}-seed-{run.seed}.csv", Rows(Enumerable.Range(0, size).Select(r => Enumerable.Range(0, size).Select(c => confusion[r, c].ToString(CultureInfo.InvariantCulture)))));
            }
        }

        Write(folder, "sessions.csv", sessions.ToString());
    }

    private static string Rows(IEnumerable<IEnumerable<string>> rows) => string.Concat(rows.Select(row => string.Join(',', row) + "\n"));

    private static string Cell(double? value) => value?.ToString("f4", CultureInfo.InvariantCulture) ?? "";

    private static void Write(string folder, string name, string text) =>
        PartialFile.Write(Path.Combine(folder, "tables", name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
