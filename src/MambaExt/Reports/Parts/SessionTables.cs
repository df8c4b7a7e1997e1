using System.Text.Json;

namespace MambaExt.Reports.Parts;

/// <summary>Of one few-shot class-incremental method: a row a session, and what is kept of each session's classes after each later one.</summary>
internal static class SessionTables
{
    private const int MostSessions = 100;

    private static readonly (string Key, string Title)[] Columns =
    [
        ("overall", "Overall"), ("base", "Base"), ("novel", "Novel"), ("old_novel", "Old novel"), ("newest", "Newest"), ("harmonic", "Harmonic"),
    ];

    /// <param name="html">The page</param>
    /// <param name="name">Of the method</param>
    /// <param name="method">Its result</param>
    /// <param name="runs">Its runs, of which means are shown</param>
    public static void Write(Html html, string name, JsonElement method, JsonElement[] runs)
    {
        JsonElement[] sessions = [.. method.Items("sessions").Take(MostSessions)];
        string of = runs.Length > 1 ? $", mean of {runs.Length} runs" : "";
        JsonElement[][] costs = [.. runs.Select(r => r.Items("costs").ToArray()).Where(c => c.Length >= sessions.Length)];
        bool known = costs.Length > 0 && costs.Length == runs.Length;
        var table = new HtmlTable($"{name}: accuracy by session, %{of}", ["Session", "Classes", .. Columns.Select(c => c.Title), .. known ? new[] { "Seconds", "Peak memory" } : []]);
        for (int t = 0; t < sessions.Length; t++)
        {
            table.Rows.Add(
            [
                $"{t}", Figures.Count(sessions[t].Number("classes")), .. Columns.Select(c => Figures.Score(sessions[t].Number(c.Key), null)),
                .. known ? new[] { Figures.Seconds(Mean(costs.Select(c => c[t].Number("seconds")))), Figures.Megabytes(Mean(costs.Select(c => c[t].Number("peak_bytes")))) } : [],
            ]);
        }

        table.Write(html);
        Matrix(html, name, of, runs, sessions.Length);
    }

    private static void Matrix(Html html, string name, string of, JsonElement[] runs, int sessions)
    {
        JsonElement[][] matrices = [.. runs.Select(r => (r.Key("scores")?.Items("matrix") ?? []).ToArray()).Where(m => m.Length >= sessions)];
        if (matrices.Length == 0 || matrices.Length < runs.Length)
        {
            return;
        }

        var table = new HtmlTable($"{name}: accuracy on the classes of each session (columns) after each session (rows), %{of}", ["After", .. Enumerable.Range(0, sessions).Select(j => $"{j}")]);
        for (int t = 0; t < sessions; t++)
        {
            table.Rows.Add([$"{t}", .. Enumerable.Range(0, sessions).Select(j => j > t ? "" : Figures.Score(Mean(matrices.Select(m => Cell(m[t], j)))))]);
        }

        table.Write(html);
    }

    private static double? Cell(JsonElement row, int column) =>
        row.ValueKind == JsonValueKind.Array && column < row.GetArrayLength() ? row[column].Number() : null;

    private static double? Mean(IEnumerable<double?> values)
    {
        double?[] all = [.. values];
        return all.Length > 0 && all.All(v => v is not null) ? all.Average() : null;
    }
}
