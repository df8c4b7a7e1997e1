namespace MambaExt.Reports;

/// <summary>A row of a dot-and-whisker chart: mean, sample deviation, and the values behind them.</summary>
internal sealed record DotRow(string Label, double? Mean, double? Deviation, IReadOnlyList<double> Values, int Colour = 0);

/// <summary>Scores side by side: a dot for the mean, a whisker of one deviation to each side, a small dot for every run below it.</summary>
internal sealed record DotChart(string Title, string Unit, IReadOnlyList<DotRow> Rows)
{
    private const double Width = 420, Left = 12, Right = 16, Top = 48, Row = 40, Bottom = 44;
    private const int MostRows = 100, MostValues = 100;

    public void Write(Html html)
    {
        DotRow[] rows = [.. Rows.Where(row => row.Mean is { } mean && double.IsFinite(mean)).Take(MostRows)];
        if (rows.Length == 0)
        {
            return;
        }

        double[] all = [.. rows.SelectMany(row => row.Values.Append(row.Mean!.Value - Whisker(row)).Append(row.Mean!.Value + Whisker(row))).Where(double.IsFinite)];
        double height = Top + Row * rows.Length + Bottom, bottom = height - Bottom;
        Axis x = Axis.Of(all.Min(), all.Max(), Left, Width - Right, 6, percent: true);
        string name = html.NextId("chart"), about = $"{name}-about";
        using (html.Open("svg", ("viewBox", $"0 0 {Figures.Point(Width)} {Figures.Point(height)}"), ("role", "img"), ("class", "chart dots"), ("aria-labelledby", $"{name} {about}")))
        {
            html.Element("title", Title, ("id", name));
            html.Element("desc", string.Join("; ", rows.Select(row => $"{row.Label}: {Figures.Score(row.Mean, row.Deviation)}")), ("id", about));
            html.Element("text", Figures.Short(Title, 56), ("class", "name"), ("x", "8"), ("y", "15"));
            Legend(html);
            foreach (var (value, _) in x.Ticks)
            {
                html.Empty("path", ("class", "grid"), ("d", $"M{Figures.Point(x.At(value))} {Figures.Point(Top)}V{Figures.Point(bottom)}"));
            }

            foreach (var (i, row) in rows.Index())
            {
                Draw(html, x, row, Top + Row * i);
            }

            html.Empty("path", ("class", "axis"), ("d", $"M{Figures.Point(Left)} {Figures.Point(bottom)}H{Figures.Point(Width - Right)}"));
            ChartFrame.Horizontal(html, x, bottom);
            html.Element("text", Unit, ("class", "tick middle"), ("x", Figures.Point((Left + Width - Right) / 2)), ("y", Figures.Point(bottom + 36)));
        }
    }

    private static void Draw(Html html, Axis x, DotRow row, double top)
    {
        string y = Figures.Point(top + 24);
        using (html.Open("g", ("class", $"row m{row.Colour % 4}")))
        {
            html.Element("title", $"{row.Label}: {Figures.Score(row.Mean, row.Deviation)}");
            html.Element("text", Figures.Short(row.Label, 46), ("class", "label"), ("x", Figures.Point(Left)), ("y", Figures.Point(top + 13)));
            html.Element("text", Figures.Score(row.Mean, row.Deviation), ("class", "label end"), ("x", Figures.Point(Width - Right)), ("y", Figures.Point(top + 13)));
            if (Whisker(row) > 0)
            {
                html.Empty("path", ("class", "whisker"), ("d", $"M{Figures.Point(x.At(row.Mean!.Value - Whisker(row)))} {y}H{Figures.Point(x.At(row.Mean.Value + Whisker(row)))}"));
            }

            foreach (double value in row.Values.Where(double.IsFinite).Take(row.Values.Count > 1 ? MostValues : 0))
            {
                html.Empty("circle", ("class", "value"), ("cx", Figures.Point(x.At(value))), ("cy", Figures.Point(top + 33)), ("r", "2.2"));
            }

            html.Empty("circle", ("class", "dot"), ("cx", Figures.Point(x.At(row.Mean!.Value))), ("cy", y), ("r", "4.2"));
        }
    }

    private void Legend(Html html)
    {
        bool several = Rows.Any(row => row.Values.Count > 1);
        html.Empty("path", ("class", "whisker"), ("d", several ? "M8 30h18" : "M0 0"));
        html.Empty("circle", ("class", "dot"), ("cx", "17"), ("cy", "30"), ("r", "3.6"));
        html.Element("text", several ? "mean ± one deviation" : "score of one run", ("x", "32"), ("y", "34"));
        if (several)
        {
            html.Empty("circle", ("class", "value"), ("cx", "172"), ("cy", "30"), ("r", "2.2"));
            html.Element("text", "one run", ("x", "180"), ("y", "34"));
        }
    }

    private static double Whisker(DotRow row) => row.Deviation is { } deviation && double.IsFinite(deviation) ? deviation : 0;
}
