using MambaExt.Data;
using MambaExt.Graph.DataSets.Loaders;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>Features as they were written: rows, and the vertex that each names where the file does so.</summary>
/// <param name="Features">[rows, F].</param>
/// <param name="Names">Vertex of each row; null where row i is vertex i.</param>
/// <param name="Lines">Line of each row, where there are names.</param>
internal sealed record OwnFeatures(NodeFeatures Features, string[]? Names, int[]? Lines)
{
    /// <summary>Reads a file of any of the forms of <see cref="OwnGraphFiles.Features"/>.</summary>
    public static OwnFeatures Read(string path, HeaderLine header, bool verticesAreNumbers, List<string> notes)
    {
        BadFile.ThrowIfMissing(path);
        string file = Path.GetFileName(path);
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".npy":
                return new OwnFeatures(Dense(NpyFile.Read(path), file), null, null);
            case ".npz":
                using (NpzFile npz = NpzFile.Open(path))
                {
                    return new OwnFeatures(FromNpz(npz, file), null, null);
                }

            default:
                return FromText(new TextTable(path), header, verticesAreNumbers, notes);
        }
    }

    private static NodeFeatures FromNpz(NpzFile npz, string file)
    {
        string[] parts = ["data", "indices", "indptr", "shape"];
        if (parts.All(npz.Keys.Contains))
        {
            string format = npz.Keys.Contains("format") ? npz["format"].ToStrings()[0] : "csr";
            return format == "csr"
                ? SparseParts.Features(SparseCsr.Of(npz["data"], npz["indices"], npz["indptr"], npz["shape"].ToLongs(), file))
                : throw new InvalidDataException($"{file} holds a sparse matrix of the form '{format}'; allowed is csr; convert it with tocsr() before saving.");
        }

        return npz.Keys.Count == 1
            ? Dense(npz[npz.Keys.First()], file)
            : throw new InvalidDataException($"{file} has the arrays {string.Join(", ", npz.Keys.Take(20))}; allowed are one array [V, F], or data, indices, indptr and shape of a csr matrix.");
    }

    private static NodeFeatures Dense(NpyArray array, string file)
    {
        if (array.Shape.Length != 2 || array.Shape[0] > int.MaxValue || array.Shape[1] is < 1 or > int.MaxValue)
        {
            throw new InvalidDataException($"{file} holds an array of shape [{string.Join(", ", array.Shape.ToArray())}]; allowed is [V, F], a row a vertex.");
        }

        float[] values = array.ToFloats();
        int columns = (int)array.Shape[1], odd = Array.FindIndex(values, value => !float.IsFinite(value));
        return odd < 0
            ? NodeFeatures.Of(values, (int)array.Shape[0], columns)
            : throw new InvalidDataException($"{file}: row {odd / columns}, column {odd % columns} is {values[odd]}; allowed are finite numbers; replace it.");
    }

    private static OwnFeatures FromText(TextTable table, HeaderLine header, bool verticesAreNumbers, List<string> notes)
    {
        var values = new List<float>();
        List<string>? names = null;
        var lines = new List<int>();
        int rows = 0, columns = 0;
        bool first = true;
        foreach ((string[] cells, int line) in table.Rows())
        {
            if (first)
            {
                first = false;
                bool words = !cells[Math.Min(1, cells.Length - 1)..].All(cell => HeaderWords.TryReal(cell, out _));
                bool isHeader = header == HeaderLine.Yes || (header == HeaderLine.Auto && words);
                bool named = cells.Length > 1 && (!verticesAreNumbers || (isHeader && HeaderWords.IsVertex(cells[0])));
                names = named ? [] : null;
                columns = cells.Length - (named ? 1 : 0);
                notes.Add($"{table.Name}: {(isHeader ? $"line {line} is taken for names of columns, " : "")}{(named ? "the first column names the vertex" : "row i is vertex i")}");
                if (isHeader)
                {
                    continue;
                }
            }

            names?.Add(cells[0]);
            lines.Add(line);
            foreach (string cell in cells.AsSpan(names is null ? 0 : 1))
            {
                values.Add(HeaderWords.TryReal(cell, out float value) ? value : throw table.Bad(line, $"the feature {BadFile.Quote(cell)}", "finite numbers"));
            }

            rows++;
        }

        return rows > 0 && columns > 0
            ? new OwnFeatures(NodeFeatures.Of([.. values], rows, columns), names is null ? null : [.. names], [.. lines])
            : throw new InvalidDataException($"{table.Name} has no row of features; give a line a vertex.");
    }
}
