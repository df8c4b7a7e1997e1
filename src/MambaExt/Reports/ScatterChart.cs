namespace MambaExt.Reports;

/// <summary>A point of a <see cref="ScatterChart"/>.</summary>
internal sealed record ScatterPoint(double X, double Y, string Label, bool Strong);

/// <summary>Points in a plane, of two kinds: full ones, and rings.</summary>
internal sealed record ScatterChart(string Title, string About, IReadOnlyList<ScatterPoint> Points, int Colour)
{
    /// <summary>Points that are drawn at most.</summary>
    public const int MostPoints = 1000;

    private const double Width = 420, Height = 320, Margin = 14, Top = 30;

    public void Write(Html html)
    {
        ScatterPoint[] points = [.. Points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).Take(MostPoints)];
        if (points.Length == 0)
        {
            return;
        }

        Axis x = Axis.Of(points.Min(p => p.X), points.Max(p => p.X), Margin, Width - Margin, 5), y = Axis.Of(points.Min(p => p.Y), points.Max(p => p.Y), Height - Margin, Top, 5);
        string name = html.NextId("chart"), about = $"{name}-about";
        using (html.Open("figure", ("class", "single")))
        {
            Draw(html, points, x, y, name, about);
            html.Element("p", About, ("class", "caption"));
        }
    }

    private void Draw(Html html, ScatterPoint[] points, Axis x, Axis y, string name, string about)
    {
        using (html.Open("svg", ("viewBox", $"0 0 {Width} {Height}"), ("role", "img"), ("class", $"chart m{Colour % 4}"), ("aria-labelledby", $"{name} {about}")))
        {
            html.Element("title", Title, ("id", name));
            html.Element("desc", About, ("id", about));
            html.Element("text", Figures.Short(Title, 56), ("class", "name"), ("x", "8"), ("y", "15"));
            foreach (ScatterPoint point in points)
            {
                using (html.Open("circle", ("class", point.Strong ? "dot" : "ring"), ("cx", Figures.Point(x.At(point.X))), ("cy", Figures.Point(y.At(point.Y))), ("r", "3.4")))
                {
                    html.Element("title", Figures.Short(point.Label, 80));
                }
            }
        }
    }
}
