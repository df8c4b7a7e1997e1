using MambaExt.Data;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>A word a vertex, its class or its part of a split: the lines of a text file or the entries of an array.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Words">As written, empty for none.</param>
/// <param name="Names">Vertex of each word; null where word i is that of vertex i.</param>
/// <param name="Lines">Line of each word, or null where there are no lines.</param>
internal sealed record OwnColumn(string File, string[] Words, string[]? Names, int[]? Lines)
{
    /// <summary>Reads a column.</summary>
    /// <param name="path">Text of one or two columns, or <c>.npy</c> [V].</param>
    /// <param name="header">Whether there is a header.</param>
    /// <param name="isHeaderWord">By what the last cell of a header is known.</param>
    /// <param name="what">What the words are, for messages.</param>
    public static OwnColumn Read(string path, HeaderLine header, Func<string, bool> isHeaderWord, string what)
    {
        BadFile.ThrowIfMissing(path);
        return Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase) ? FromArray(path, what) : FromText(new TextTable(path), header, isHeaderWord, what);
    }

    /// <summary>Where word <paramref name="i"/> stands, for a message.</summary>
    public string Place(int i) => Lines is null ? $"{File}, entry {i}" : $"{File}, line {Lines[i]}";

    /// <summary>The words in the order of the vertices.</summary>
    /// <param name="vertices">V.</param>
    /// <param name="vertexOf">The vertex of a name, or -1.</param>
    /// <returns>For each vertex the place of its word in <see cref="Words"/>, or -1.</returns>
    public int[] ByVertex(int vertices, Func<string, int> vertexOf)
    {
        if (Names is null && Words.Length != vertices)
        {
            throw new InvalidDataException($"{File} has {Words.Length} entries and the graph {vertices} vertices; give one a vertex, or a column that names the vertex.");
        }

        var place = new int[vertices];
        Array.Fill(place, -1);
        for (int i = 0; i < Words.Length; i++)
        {
            int v = Names is null ? i : vertexOf(Names[i]);
            if ((uint)v >= (uint)vertices)
            {
                throw new InvalidDataException($"{Place(i)}: found the vertex {BadFile.Quote(Names![i])}; allowed are the vertices of the graph; correct the name.");
            }

            place[v] = place[v] < 0 ? i : throw new InvalidDataException($"{Place(i)}: found the vertex {BadFile.Quote(Names![i])} a second time; allowed is one line a vertex; take one of them out.");
        }

        return place;
    }

    private static OwnColumn FromArray(string path, string what)
    {
        NpyArray array = NpyFile.Read(path);
        string file = Path.GetFileName(path);
        if (array.Shape.Length != 1)
        {
            throw new InvalidDataException($"{file} holds an array of shape [{string.Join(", ", array.Shape.ToArray())}]; allowed is [V], {what} a vertex.");
        }

        string[] words = array.Type is NpyType.Text or NpyType.Bytes or NpyType.Object
            ? array.ToStrings()
            : Array.ConvertAll(array.ToLongs(), number => number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return new OwnColumn(file, words, null, null);
    }

    private static OwnColumn FromText(TextTable table, HeaderLine header, Func<string, bool> isHeaderWord, string what)
    {
        var words = new List<string>();
        var names = new List<string>();
        var lines = new List<int>();
        bool first = true, named = false;
        foreach ((string[] cells, int line) in table.Rows())
        {
            if (first)
            {
                first = false;
                named = cells.Length == 2 || (cells.Length == 1 ? false : throw table.Bad(line, $"{cells.Length} cells", $"{what}, or a vertex and {what}"));
                if (header == HeaderLine.Yes || (header == HeaderLine.Auto && (isHeaderWord(cells[^1]) || (named && HeaderWords.IsVertex(cells[0])))))
                {
                    continue;
                }
            }

            words.Add(cells[^1]);
            lines.Add(line);
            if (named)
            {
                names.Add(cells[0].Length > 0 ? cells[0] : throw table.Bad(line, "an empty cell", "a vertex in the first column"));
            }
        }

        return words.Count > 0
            ? new OwnColumn(table.Name, [.. words], named ? [.. names] : null, [.. lines])
            : throw new InvalidDataException($"{table.Name} is empty; give {what} a vertex.");
    }
}
