using System.Globalization;
using System.Text;

namespace MambaExt.Reports;

/// <summary>A curve of one run, and the position that the run chose, if the chart shows it.</summary>
internal sealed record ChartLine(string Label, IReadOnlyList<CurvePoint> Points, double? Chosen = null);

/// <summary>Curves of one key over epochs: a thin line a run, and their mean with a band of one deviation.</summary>
internal sealed record LineChart(string Title, string Position, IReadOnlyList<ChartLine> Lines, bool Percent, int Colour)
{
    /// <summary>Points of a line, and lines, that are drawn at most.</summary>
    public const int MostPoints = 300, MostLines = 200;

    private const double Width = 420, Height = 260, Left = 54, Right = 12, Top = 46, Bottom = 44;

    // All lines of a chart together.
    private const int PointBudget = 20_000;

    public void Write(Html html)
    {
        IReadOnlyList<MeanPoint> mean = MeanCurve.Of([.. Lines.Select(line => line.Points)]);
        double[] finite = [.. Lines.SelectMany(line => line.Points).Select(p => p.Y).Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            html.Element("p", $"{Title}: no value is finite, so nothing is drawn.", ("class", "note"));
            return;
        }

        Axis x = Axis.Of(Lines.Min(l => l.Points[0].X), Lines.Max(l => l.Points[^1].X), Left, Width - Right, 5, whole: true);
        Axis y = Axis.Of(finite.Min(), finite.Max(), Height - Bottom, Top, 5, percent: Percent, mayBeLogarithmic: !Percent);
        string name = html.NextId("chart"), about = $"{name}-about";
        using (html.Open("svg", ("viewBox", $"0 0 {Width} {Height}"), ("role", "img"), ("class", $"chart m{Colour % 4}"), ("aria-labelledby", $"{name} {about}")))
        {
            html.Element("title", Title, ("id", name));
            html.Element("desc", Description(mean), ("id", about));
            html.Element("text", Figures.Short(y.Logarithmic ? $"{Title} (logarithmic)" : Title, 56), ("class", "name"), ("x", "8"), ("y", "15"));
            ChartFrame.Write(html, x, y, Position, Left, Width - Right, Height - Bottom);
            Draw(html, x, y, mean);
            Legend(html, mean.Count > 0);
        }
    }

    private void Draw(Html html, Axis x, Axis y, IReadOnlyList<MeanPoint> mean)
    {
        IReadOnlyList<MeanPoint> centre = Thinning.Evenly(mean, MostPoints);
        if (centre.Count > 0)
        {
            var band = centre.Select(p => (p.X, p.Mean + p.Deviation)).Concat(centre.Reverse().Select(p => (p.X, p.Mean - p.Deviation)));
            html.Empty("path", ("class", "band"), ("d", Path(band.Select(p => (x.At(p.X), y.At(p.Item2)))) + "Z"));
        }

        int most = Math.Clamp(PointBudget / Lines.Count, 20, MostPoints);
        foreach (ChartLine line in Lines.Take(MostLines))
        {
            using (html.Open("path", ("class", Lines.Count == 1 ? "seed alone" : "seed"), ("d", Path(Thinning.Extremes(line.Points, most).Select(p => (x.At(p.X), double.IsFinite(p.Y) ? y.At(p.Y) : p.Y))))))
            {
                html.Element("title", line.Label);
            }
        }

        if (centre.Count > 0)
        {
            html.Empty("path", ("class", "mean"), ("d", Path(centre.Select(p => (x.At(p.X), y.At(p.Mean))))));
        }

        foreach (ChartLine line in Lines.Take(MostLines).Where(line => line.Chosen is not null))
        {
            foreach (CurvePoint point in line.Points.Where(p => p.X == line.Chosen && double.IsFinite(p.Y)))
            {
                using (html.Open("circle", ("class", "chosen"), ("cx", Figures.Point(x.At(point.X))), ("cy", Figures.Point(y.At(point.Y))), ("r", "2.6")))
                {
                    html.Element("title", $"{line.Label}: {Position} {Figures.Any(point.X)} chosen, {Figures.Any(point.Y)}");
                }
            }
        }
    }

    private void Legend(Html html, bool hasMean)
    {
        double at = 8;
        Entry(Lines.Count == 1 ? Lines[0].Label : "one run", "seed", line: true);
        if (hasMean)
        {
            Entry($"mean of {Lines.Count}", "mean", line: true);
            Entry("± one deviation", "band", line: false);
        }

        if (Lines.Any(line => line.Chosen is not null))
        {
            html.Empty("circle", ("class", "chosen"), ("cx", Figures.Point(at + 5)), ("cy", "29"), ("r", "2.6"));
            html.Element("text", $"chosen {Position}", ("x", Figures.Point(at + 13)), ("y", "33"));
        }

        void Entry(string text, string kind, bool line)
        {
            text = Figures.Short(text, 40);
            html.Empty("path", ("class", $"key-{kind}"), ("d", line ? $"M{Figures.Point(at)} 29h18" : $"M{Figures.Point(at)} 24h18v10h-18Z"));
            html.Element("text", text, ("x", Figures.Point(at + 23)), ("y", "33"));
            at += 36 + 5.6 * text.Length;
        }
    }

    private string Description(IReadOnlyList<MeanPoint> mean)
    {
        double last = Lines.Max(l => l.Points[^1].X);
        string runs = Lines.Count == 1 ? Lines[0].Label : $"{Lines.Count} runs";
        string end = mean.Count > 0
            ? $"the mean at {Position} {Figures.Any(mean[^1].X)} is {Figures.Any(mean[^1].Mean)} with a deviation of {Figures.Any(mean[^1].Deviation)}"
            : $"the last value is {Figures.Any(Lines[0].Points[^1].Y)}";
        return $"{runs}, up to {Position} {Figures.Any(last)}; {end}.";
    }

    /// <summary>A path through points; a value that is not finite leaves a gap.</summary>
    private static string Path(IEnumerable<(double X, double Y)> points)
    {
        var path = new StringBuilder();
        bool open = false;
        foreach (var (x, y) in points)
        {
            if (double.IsFinite(y))
            {
                // A stretch of one point would be invisible without the short stroke.
                path.Append(CultureInfo.InvariantCulture, $"{(open ? 'L' : 'M')}{Figures.Point(x)} {Figures.Point(y)}{(open ? "" : "h0.1")}");
            }

            open = double.IsFinite(y);
        }

        return path.Length > 0 ? path.ToString() : "M0 0";
    }
}
