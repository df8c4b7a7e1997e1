using MambaExt.Data;
using MambaExt.Graph.Graphs;
using static System.FormattableString;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>Graphs and features out of sparse matrices, and the matrices out of the forms that files give them.</summary>
internal static class SparseParts
{
    /// <summary>The matrix that has one of <paramref name="names"/>: one object, or its parts under <c>NAME_data</c> or <c>NAME.data</c>
    /// and so on; a plain matrix becomes sparse. Null where there is none.</summary>
    public static SparseCsr? Find(NpzFile npz, string file, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (npz.Keys.Contains(name))
            {
                return Whole(npz[name], $"{file}:{name}");
            }

            foreach (string separator in (ReadOnlySpan<string>)["_", "."])
            {
                if (npz.Keys.Contains($"{name}{separator}data"))
                {
                    NpyArray Part(string part) => Plain(npz[$"{name}{separator}{part}"]);
                    return SparseCsr.Of(Part("data"), Part("indices"), Part("indptr"), Part("shape").ToLongs(), $"{file}:{name}");
                }
            }
        }

        return null;
    }

    /// <summary>An array that a file wraps into an object array of one element.</summary>
    public static NpyArray Plain(NpyArray array) => array.Type == NpyType.Object && array.Count == 1 && array.Object is NpyArray inner ? inner : array;

    /// <summary>An undirected graph that has an edge for each entry that is not zero.</summary>
    public static CsrGraph Graph(SparseCsr adjacency, string file, List<string> notes)
    {
        if (adjacency.Rows != adjacency.Columns)
        {
            throw new InvalidDataException($"{file}: the adjacency has {adjacency.Rows} rows and {adjacency.Columns} columns; give as many of both.");
        }

        float[] weights = adjacency.Data.ToFloats();
        var sources = new int[weights.Length];
        var targets = new int[weights.Length];
        int count = 0;
        for (int row = 0; row < adjacency.Rows; row++)
        {
            for (long i = adjacency.IndPtr[row]; i < adjacency.IndPtr[row + 1]; i++)
            {
                if (weights[i] != 0)
                {
                    sources[count] = row;
                    targets[count++] = adjacency.Indices[i];
                }
            }
        }

        if (count < weights.Length)
        {
            notes.Add(Invariant($"{weights.Length - count:N0} stored zeros of the adjacency are no edges"));
        }

        if (weights.AsSpan().ContainsAnyExcept(0f, 1f))
        {
            notes.Add("weights of the adjacency are not used");
        }

        return CsrGraph.FromArcs(adjacency.Rows, sources.AsSpan(0, count), targets.AsSpan(0, count));
    }

    /// <summary>The entries as features, one row a vertex.</summary>
    public static NodeFeatures Features(SparseCsr attributes) =>
        NodeFeatures.Of(new SparseMatrix(attributes.Rows, attributes.Columns, attributes.IndPtr, attributes.Indices, attributes.Data.ToFloats()));

    private static SparseCsr Whole(NpyArray array, string name)
    {
        if (array.Type == NpyType.Object && array.Count == 1 && array.Object is SparseCsr csr)
        {
            return csr;
        }

        NpyArray plain = Plain(array);
        if (plain.Shape.Length != 2 || plain.Type == NpyType.Object || plain.Shape[1] > int.MaxValue)
        {
            throw new InvalidDataException($"{name} holds an array of {plain.Type} with {plain.Shape.Length} dimensions; allowed are a csr_matrix and a matrix of numbers.");
        }

        // Row by row: what is not zero.
        float[] values = plain.ToFloats();
        int columns = (int)plain.Shape[1];
        var starts = new long[plain.Shape[0] + 1];
        var indices = new List<int>();
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] != 0)
            {
                indices.Add(i % columns);
                starts[(i / columns) + 1]++;
            }
        }

        for (int r = 1; r < starts.Length; r++)
        {
            starts[r] += starts[r - 1];
        }

        float[] entries = [.. values.Where(value => value != 0)];
        return SparseCsr.Of(
            NpyArray.Of<float>(entries, entries.Length), NpyArray.Of<int>([.. indices], indices.Count), NpyArray.Of<long>(starts, starts.Length), plain.Shape, name);
    }
}
