namespace MambaExt.Reports;

/// <summary>A table: a heading a column, the first column names its row; numbers are set to the right.</summary>
internal sealed record HtmlTable(string Caption, IReadOnlyList<string> Columns)
{
    /// <summary>Rows that are written at most; a note says how many are left out.</summary>
    public const int MostRows = 1000;

    public List<IReadOnlyList<string>> Rows { get; } = [];

    /// <summary>A closing row, such as a mean over the others.</summary>
    public IReadOnlyList<string>? Foot { get; init; }

    /// <summary>Columns of words, which are set to the left.</summary>
    public IReadOnlySet<int> Words { get; init; } = new HashSet<int>();

    /// <summary>Class of each row, for style and for finding it again.</summary>
    public string? RowClass { get; init; }

    public void Write(Html html)
    {
        using (html.Table(Caption))
        {
            using (html.Open("thead"))
            using (html.Open("tr"))
            {
                foreach (var (i, column) in Columns.Index())
                {
                    html.Element("th", column, ("scope", "col"), ("class", IsWords(i) ? "words" : null));
                }
            }

            using (html.Open("tbody"))
            {
                foreach (IReadOnlyList<string> row in Rows.Take(MostRows))
                {
                    WriteRow(html, row, RowClass);
                }
            }

            if (Foot is not null)
            {
                using (html.Open("tfoot"))
                {
                    WriteRow(html, Foot, null);
                }
            }
        }

        if (Rows.Count > MostRows)
        {
            html.Element("p", $"{Rows.Count - MostRows:n0} more rows are left out.", ("class", "note"));
        }
    }

    private bool IsWords(int column) => column == 0 || Words.Contains(column);

    private void WriteRow(Html html, IReadOnlyList<string> row, string? name)
    {
        using (html.Open("tr", ("class", name)))
        {
            html.Element("th", Figures.Short(row[0], 300), ("scope", "row"));
            for (int i = 1; i < row.Count; i++)
            {
                html.Element("td", Figures.Short(row[i], 300), ("class", !IsWords(i) ? null : row[i].Length > 40 ? "words long" : "words"));
            }
        }
    }
}
