using System.Globalization;
using MambaExt.Data;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>An edge list as it was written: arcs between names, each name with the line that has it first.</summary>
internal sealed class OwnEdges
{
    private readonly Dictionary<string, int> places = [];
    private readonly List<string> names = [];
    private readonly List<int> lines = [];
    private readonly List<int> sources = [];
    private readonly List<int> targets = [];
    private readonly TextTable table;

    private OwnEdges(TextTable table) => this.table = table;

    /// <summary>Names in the order in which they appear.</summary>
    public IReadOnlyList<string> Names => names;

    /// <summary>Name of the file.</summary>
    public string File => table.Name;

    /// <summary>True where every name is a vertex number.</summary>
    public bool AreNumbers { get; private set; } = true;

    /// <summary>The first name that is no vertex number, and where it stands, for a message.</summary>
    public string FirstWord => names.FindIndex(name => Number(name) < 0) is >= 0 and int i ? $"{File} calls a vertex {BadFile.Quote(names[i])} in line {lines[i]}" : "";

    /// <summary>What was found and how it was handled.</summary>
    public List<string> Notes { get; } = [];

    public static OwnEdges Read(string path, HeaderLine header)
    {
        var edges = new OwnEdges(new TextTable(path));
        (string[] Cells, int Line)? first = null;
        int columns = 0;
        foreach ((string[] cells, int line) in edges.table.Rows())
        {
            columns = cells.Length >= 2 ? cells.Length : throw edges.table.Bad(line, "one cell", "two vertices", "put a comma, tab or blank between them");
            if (first is null && edges.names.Count == 0 && header != HeaderLine.No)
            {
                // The line after it decides what the first one is.
                first = (cells, line);
                continue;
            }

            if (first is { } held)
            {
                bool words = held.Cells[..2].All(HeaderWords.IsEnd) || (!held.Cells[..2].Any(HeaderWords.IsInteger) && cells[..2].All(HeaderWords.IsInteger));
                edges.TakeFirst(held, header == HeaderLine.Yes || words);
                first = null;
            }

            edges.Add(cells, line);
        }

        if (first is { } only)
        {
            edges.TakeFirst(only, header == HeaderLine.Yes || only.Cells[..2].All(HeaderWords.IsEnd));
        }

        if (edges.names.Count == 0)
        {
            throw new InvalidDataException($"{edges.File} has no edge; give two vertices a line.");
        }

        if (columns > 2)
        {
            edges.Notes.Add($"{edges.File}: of {columns} columns the first two are used");
        }

        return edges;
    }

    /// <summary>The arcs between vertices.</summary>
    /// <param name="vertices">V.</param>
    /// <param name="vertexOf">The vertex of a name, or -1.</param>
    /// <param name="allowed">Which names there are, for a message.</param>
    public Graphs.CsrGraph ToGraph(int vertices, Func<string, int> vertexOf, string allowed)
    {
        var vertex = new int[names.Count];
        for (int i = 0; i < vertex.Length; i++)
        {
            vertex[i] = vertexOf(names[i]);
            if ((uint)vertex[i] >= (uint)vertices)
            {
                throw table.Bad(lines[i], $"the vertex {BadFile.Quote(names[i])}", allowed, "correct the edge, or add the vertex there");
            }
        }

        return Graphs.CsrGraph.FromArcs(vertices, [.. sources.Select(i => vertex[i])], [.. targets.Select(i => vertex[i])]);
    }

    /// <summary>A vertex number from 0, or -1.</summary>
    public static int Number(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int v) && v < int.MaxValue ? v : -1;

    private void TakeFirst((string[] Cells, int Line) row, bool isHeader)
    {
        if (isHeader)
        {
            Notes.Add($"{File}: line {row.Line} ({BadFile.Quote(string.Join(", ", row.Cells))}) is taken for names of columns");
        }
        else
        {
            Add(row.Cells, row.Line);
        }
    }

    private void Add(string[] cells, int line)
    {
        sources.Add(Place(cells[0], line));
        targets.Add(Place(cells[1], line));
    }

    private int Place(string name, int line)
    {
        if (!places.TryGetValue(name, out int place))
        {
            place = name.Length > 0 ? names.Count : throw table.Bad(line, "an empty cell", "a vertex in each of the first two columns");
            places.Add(name, place);
            names.Add(name);
            lines.Add(line);
            AreNumbers &= Number(name) >= 0;
        }

        return place;
    }
}
