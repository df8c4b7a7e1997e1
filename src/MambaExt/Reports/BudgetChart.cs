using System.Globalization;
using System.Text;

namespace MambaExt.Reports;

/// <summary>A model in a chart of cost and score.</summary>
internal sealed record BudgetPoint(string Label, double X, double Y, double? Deviation = null);

/// <summary>Models of one kind, joined by a line where they follow one another.</summary>
internal sealed record BudgetSeries(string Label, IReadOnlyList<BudgetPoint> Points, int Colour, bool Joined = false);

/// <summary>Scores over what they cost: a dot a model with a whisker of one deviation, a line through those that continue one another.</summary>
internal sealed record BudgetChart(string Title, string Across, IReadOnlyList<BudgetSeries> Series)
{
    private const double Width = 560, Height = 340, Left = 54, Right = 16, Top = 26, Bottom = 44, Line = 17;
    private const int MostPoints = 300;

    public void Write(Html html)
    {
        BudgetSeries[] series = [.. Series.Select(s => s with { Points = [.. s.Points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).Take(MostPoints)] }).Where(s => s.Points.Count > 0)];
        BudgetPoint[] all = [.. series.SelectMany(s => s.Points)];
        if (all.Length == 0)
        {
            return;
        }

        double top = Top + (Line * series.Length), height = Height + (Line * series.Length);
        Axis x = Axis.Of(Math.Min(0, all.Min(p => p.X)), all.Max(p => p.X), Left, Width - Right, 6);
        Axis y = Axis.Of(all.Min(p => p.Y - Whisker(p)), all.Max(p => p.Y + Whisker(p)), height - Bottom, top, 6, percent: true);
        string name = html.NextId("chart"), about = $"{name}-about";
        using (html.Open("svg", ("viewBox", $"0 0 {Figures.Point(Width)} {Figures.Point(height)}"), ("role", "img"), ("class", "chart scatter"), ("aria-labelledby", $"{name} {about}")))
        {
            html.Element("title", Title, ("id", name));
            html.Element("desc", string.Join("; ", series.Select(s => $"{s.Label}: {string.Join(", ", s.Points.Select(p => $"{Figures.Score(p.Y)} at {Figures.Any(p.X)}"))}")), ("id", about));
            html.Element("text", Figures.Short(Title, 76), ("class", "name"), ("x", "8"), ("y", "15"));
            ChartFrame.Write(html, x, y, Across, Left, Width - Right, height - Bottom);
            foreach (var (i, one) in series.Index())
            {
                Draw(html, x, y, one, 32 + (Line * i));
            }
        }
    }

    private static void Draw(Html html, Axis x, Axis y, BudgetSeries series, double legend)
    {
        using (html.Open("g", ("class", $"row m{series.Colour % 4}")))
        {
            html.Empty("circle", ("class", Dot(series)), ("cx", "14"), ("cy", Figures.Point(legend - 4)), ("r", "3.6"));
            html.Element("text", Figures.Short(series.Label, 60), ("class", "label"), ("x", "24"), ("y", Figures.Point(legend)));
            if (series.Joined)
            {
                var path = new StringBuilder();
                foreach (BudgetPoint p in series.Points)
                {
                    path.Append(CultureInfo.InvariantCulture, $"{(path.Length == 0 ? 'M' : 'L')}{Figures.Point(x.At(p.X))} {Figures.Point(y.At(p.Y))}");
                }

                html.Empty("path", ("class", "mean"), ("d", path.ToString()));
            }

            foreach (BudgetPoint p in series.Points)
            {
                string across = Figures.Point(x.At(p.X));
                if (Whisker(p) > 0)
                {
                    html.Empty("path", ("class", "whisker"), ("d", $"M{across} {Figures.Point(y.At(p.Y - Whisker(p)))}V{Figures.Point(y.At(p.Y + Whisker(p)))}"));
                }

                using (html.Open("circle", ("class", Dot(series)), ("cx", across), ("cy", Figures.Point(y.At(p.Y))), ("r", "3.8")))
                {
                    html.Element("title", $"{p.Label}: {Figures.Score(p.Y, p.Deviation)} at {Figures.Any(p.X)}");
                }
            }
        }
    }

    private static string Dot(BudgetSeries series) => series.Joined ? "dot" : series.Points.Count > 1 ? "chosen" : "dot";

    private static double Whisker(BudgetPoint p) => p.Deviation is { } deviation && double.IsFinite(deviation) ? deviation : 0;
}
