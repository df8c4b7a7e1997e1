namespace MambaExt.Reports;

/// <summary>Axes, grid lines and tick labels of a chart.</summary>
internal static class ChartFrame
{
    /// <summary>A horizontal and a vertical axis.</summary>
    public static void Write(Html html, Axis x, Axis y, string position, double left, double right, double bottom)
    {
        foreach (var (value, label) in y.Ticks)
        {
            string at = Figures.Point(y.At(value));
            html.Empty("path", ("class", "grid"), ("d", $"M{Figures.Point(left)} {at}H{Figures.Point(right)}"));
            html.Element("text", label, ("class", "tick end"), ("x", Figures.Point(left - 6)), ("y", Figures.Point(y.At(value) + 4)));
        }

        html.Empty("path", ("class", "axis"), ("d", $"M{Figures.Point(left)} {Figures.Point(bottom)}H{Figures.Point(right)}"));
        Horizontal(html, x, bottom);
        html.Element("text", position, ("class", "tick middle"), ("x", Figures.Point((left + right) / 2)), ("y", Figures.Point(bottom + 36)));
    }

    /// <summary>Tick marks and labels of a horizontal axis at <paramref name="bottom"/>.</summary>
    public static void Horizontal(Html html, Axis x, double bottom)
    {
        foreach (var (value, label) in x.Ticks)
        {
            string at = Figures.Point(x.At(value));
            html.Empty("path", ("class", "axis"), ("d", $"M{at} {Figures.Point(bottom)}v4"));
            html.Element("text", label, ("class", "tick middle"), ("x", at), ("y", Figures.Point(bottom + 18)));
        }
    }
}
