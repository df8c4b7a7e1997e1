namespace MambaExt.Reports.Parts;

/// <summary>A confusion matrix as a shaded table: counts as text, the part of the true class as shade and in words.</summary>
internal static class ConfusionTable
{
    /// <summary>Classes of the largest matrix that is shown as a table.</summary>
    public const int MostClasses = 40;

    // From this part on, light text on the shade is easier to read than dark text (dark and light the other way round on a dark page): 4.5 to 1.
    private const double Deep = 75;

    public static void Write(Html html, string model, int runs, ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        if (matrix.Classes > MostClasses)
        {
            html.Element("p", $"The confusion matrix of {matrix.Classes} classes is left out; one of at most {MostClasses} is shown.", ("class", "note"));
            return;
        }

        string caption = $"{model}: confusion matrix of the test part{(runs == 1 ? "" : $", sum over {runs} runs")}. Rows are true classes, columns predicted ones; the shade is the part of the row.";
        using (html.Table(caption, "confusion"))
        {
            using (html.Open("thead"))
            using (html.Open("tr"))
            {
                html.Element("th", "true, predicted", ("scope", "col"), ("class", "corner"));
                foreach (string name in names)
                {
                    using (html.Open("th", ("scope", "col"), ("title", Figures.Short(name, 200))))
                    {
                        Breakable(html, Figures.Short(name, 40));
                    }
                }
            }

            using (html.Open("tbody"))
            {
                foreach (var (row, name) in names.Index())
                {
                    using (html.Open("tr"))
                    {
                        html.Element("th", Figures.Short(name, 40), ("scope", "row"), ("title", Figures.Short(name, 200)));
                        for (int column = 0; column < matrix.Classes; column++)
                        {
                            Cell(html, matrix, row, column, names);
                        }
                    }
                }
            }
        }
    }

    /// <summary>A name that may go on in the next line behind an underscore or a hyphen.</summary>
    private static void Breakable(Html html, string name)
    {
        int from = 0;
        for (int i = 0; i < name.Length - 1; i++)
        {
            if (name[i] is '_' or '-')
            {
                html.Text(name[from..(i + 1)]);
                html.Empty("wbr");
                from = i + 1;
            }
        }

        html.Text(name[from..]);
    }

    private static void Cell(Html html, ConfusionMatrix matrix, int row, int column, IReadOnlyList<string> names)
    {
        double part = matrix.Part(row, column) ?? 0;
        html.Element(
            "td", Figures.Count(matrix[row, column]), ("class", part >= Deep ? "deep" : null), ("style", $"--part:{Figures.Point(part)}%"),
            ("title", $"{part:f1} % of {Figures.Short(names[row], 40)} taken for {Figures.Short(names[column], 40)}"));
    }
}
