namespace MambaExt.Reports;

/// <summary>A confusion matrix of many classes as a picture: a square a cell, as dark as the part of the row that it holds.</summary>
/// <param name="Title">Above it</param>
/// <param name="Runs">Whose sum it is</param>
/// <param name="Matrix">Rows true, columns predicted</param>
/// <param name="Known">Base classes: a line is drawn behind them; 0 for none</param>
/// <param name="Colour">Number of the method's colour</param>
internal sealed record HeatMap(string Title, int Runs, ConfusionMatrix Matrix, int Known, int Colour)
{
    /// <summary>Classes of the largest matrix that is drawn.</summary>
    public const int MostClasses = 200;

    private const double Side = 400, Left = 10, Top = 26;

    public void Write(Html html)
    {
        string name = html.NextId("chart"), about = $"{name}-about";
        string words = $"{Matrix.Classes} classes{(Runs == 1 ? "" : $", sum over {Runs} runs")}; rows are true classes, columns predicted ones, from the top left; the darker, the more of the row. "
            + (Known > 0 && Known < Matrix.Classes ? $"The lines part the {Known} base classes from the novel ones." : "");
        using (html.Open("figure", ("class", "single")))
        {
            Draw(html, name, about, words);
            html.Element("p", words, ("class", "caption"));
        }
    }

    private void Draw(Html html, string name, string about, string words)
    {
        double cell = Side / Matrix.Classes;
        using (html.Open("svg", ("viewBox", FormattableString.Invariant($"0 0 {Side + (2 * Left)} {Side + Top + Left}")), ("role", "img"), ("class", $"chart m{Colour % 4}"), ("aria-labelledby", $"{name} {about}")))
        {
            html.Element("title", Title, ("id", name));
            html.Element("desc", words, ("id", about));
            html.Element("text", Figures.Short(Title, 56), ("class", "name"), ("x", "8"), ("y", "15"));
            for (int row = 0; row < Matrix.Classes; row++)
            {
                for (int column = 0; column < Matrix.Classes; column++)
                {
                    if (Matrix[row, column] > 0)
                    {
                        html.Empty(
                            "rect", ("class", "dot"), ("x", Figures.Point(Left + (column * cell))), ("y", Figures.Point(Top + (row * cell))), ("width", Figures.Point(cell)), ("height", Figures.Point(cell)),
                            ("fill-opacity", FormattableString.Invariant($"{0.1 + (0.9 * (Matrix.Part(row, column) ?? 0) / 100):0.##}")));
                    }
                }
            }

            Line(html, 0, 0, 0, Matrix.Classes, cell);
            Line(html, 0, 0, Matrix.Classes, 0, cell);
            if (Known > 0 && Known < Matrix.Classes)
            {
                Line(html, Known, 0, Known, Matrix.Classes, cell);
                Line(html, 0, Known, Matrix.Classes, Known, cell);
            }
        }
    }

    private static void Line(Html html, int x1, int y1, int x2, int y2, double cell) => html.Empty(
        "line", ("class", "axis"), ("x1", Figures.Point(Left + (x1 * cell))), ("y1", Figures.Point(Top + (y1 * cell))), ("x2", Figures.Point(Left + (x2 * cell))), ("y2", Figures.Point(Top + (y2 * cell))));
}
