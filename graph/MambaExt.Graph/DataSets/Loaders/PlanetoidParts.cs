using System.Globalization;
using MambaExt.Data;
using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>The files of one Planetoid data set, each turned into plain arrays or refused by name.</summary>
internal sealed class PlanetoidParts(string folder, string name)
{
    public void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidDataException($"The files ind.{name}.* do not belong together: {otherwise}; get all eight from one place.");
        }
    }

    public SparseCsr Sparse(string part) => Read(part) as SparseCsr ?? throw Wrong(part, "a sparse matrix");

    /// <summary>The class of each row of a one-hot matrix [rows, K]; -1 for a row of zeros.</summary>
    public int[] Labels(string part, out int classes)
    {
        if (Read(part) is not NpyArray { Shape: { Length: 2 } shape } array || shape[1] > int.MaxValue)
        {
            throw Wrong(part, "a matrix of one-hot labels");
        }

        classes = (int)shape[1];
        int[] cells = array.ToInts();
        var labels = new int[shape[0]];
        for (int r = 0; r < labels.Length; r++)
        {
            ReadOnlySpan<int> row = cells.AsSpan(r * classes, classes);
            labels[r] = row.IndexOf(1);
            if (row.Count(0) != classes - (labels[r] < 0 ? 0 : 1))
            {
                throw new InvalidDataException($"ind.{name}.{part}: row {r} is not one-hot; each row holds zeros and at most one 1.");
            }
        }

        return labels;
    }

    /// <summary>The vertices of the test rows, in the order of those rows.</summary>
    public int[] TestIndex()
    {
        string[] lines = File.ReadAllLines(Path.Combine(folder, $"ind.{name}.test.index"));
        return [.. lines.Where(line => line.Length > 0).Select((line, i) =>
            int.TryParse(line, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int v)
                ? v
                : throw new InvalidDataException($"ind.{name}.test.index: line {i + 1} is '{line}'; each line is one vertex number."))];
    }

    /// <summary>The neighbours of each vertex that the graph lists.</summary>
    public Dictionary<object, object?> NeighbourLists() => Read("graph") as Dictionary<object, object?> ?? throw Wrong("graph", "a dict of neighbour lists");

    /// <summary>The lists of neighbours as a graph of <paramref name="vertices"/> vertices.</summary>
    public CsrGraph Graph(Dictionary<object, object?> lists, int vertices)
    {
        var sources = new List<int>();
        var targets = new List<int>();
        foreach ((object key, object? value) in lists)
        {
            int source = Vertex(key, vertices);
            foreach (object? neighbour in value as List<object?> ?? throw Wrong("graph", "a dict of neighbour lists"))
            {
                sources.Add(source);
                targets.Add(Vertex(neighbour, vertices));
            }
        }

        return CsrGraph.FromArcs(vertices, [.. sources], [.. targets]);
    }

    private int Vertex(object? value, int vertices) => value is long v && (ulong)v < (ulong)vertices
        ? (int)v
        : throw new InvalidDataException($"ind.{name}.graph names vertex {value ?? "None"}, but vertices are 0 to {vertices - 1}; get all eight files from one place.");

    private object? Read(string part) => PickleReader.Read(Path.Combine(folder, $"ind.{name}.{part}"));

    private InvalidDataException Wrong(string part, string wanted) =>
        new($"ind.{name}.{part} does not hold {wanted}; check that it is the Planetoid file of that name.");
}
