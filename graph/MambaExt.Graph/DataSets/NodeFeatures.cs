using MambaExt.Graph.Graphs;

namespace MambaExt.Graph.DataSets;

/// <summary>Vertex features [V, F], sparse where they are words and dense where they are measurements.</summary>
public sealed class NodeFeatures
{
    private NodeFeatures(int rows, int columns, SparseMatrix? sparse, float[]? dense) =>
        (Rows, Columns, Sparse, Dense) = (rows, columns, sparse, dense);

    /// <summary>Vertices, V.</summary>
    public int Rows { get; }

    /// <summary>Features, F.</summary>
    public int Columns { get; }

    /// <summary>The features as compressed rows, or null where they are dense.</summary>
    public SparseMatrix? Sparse { get; }

    /// <summary>The features row by row, [V * F], or null where they are sparse.</summary>
    public float[]? Dense { get; }

    /// <summary>Features that are not zero.</summary>
    public long NonZeroCount
    {
        get
        {
            float[] values = Sparse?.Values ?? Dense!;
            return values.LongLength - values.AsSpan().Count(0f);
        }
    }

    /// <summary>Wraps sparse features, one row a vertex.</summary>
    public static NodeFeatures Of(SparseMatrix sparse)
    {
        ArgumentNullException.ThrowIfNull(sparse);
        return new NodeFeatures(sparse.Rows, sparse.Columns, sparse, null);
    }

    /// <summary>Wraps dense features, row by row.</summary>
    public static NodeFeatures Of(float[] dense, int rows, int columns)
    {
        ArgumentNullException.ThrowIfNull(dense);
        return rows >= 0 && columns >= 0 && dense.Length == (long)rows * columns
            ? new NodeFeatures(rows, columns, null, dense)
            : throw new ArgumentException($"{dense.Length} features do not fill {rows} rows of {columns}; give rows x columns values.");
    }

    /// <summary>All values row by row, [V * F].</summary>
    public float[] ToDense() => Dense ?? Sparse!.ToDense();

    /// <summary>The rows of some vertices, in their order.</summary>
    public NodeFeatures Select(ReadOnlySpan<int> vertices)
    {
        if (Sparse is not null)
        {
            return Of(Sparse.SelectRows(vertices));
        }

        var chosen = new float[(long)vertices.Length * Columns];
        for (int i = 0; i < vertices.Length; i++)
        {
            Dense.AsSpan(vertices[i] * Columns, Columns).CopyTo(chosen.AsSpan(i * Columns));
        }

        return Of(chosen, vertices.Length, Columns);
    }

    /// <summary>Each row divided by the sum of its absolute values; rows of zeros stay.</summary>
    public NodeFeatures RowNormalised()
    {
        if (Sparse is not null)
        {
            return Of(Sparse.RowNormalised());
        }

        var scaled = new float[Dense!.Length];
        for (int v = 0; v < Rows; v++)
        {
            RowNormalisation.Apply(Dense.AsSpan(v * Columns, Columns), scaled.AsSpan(v * Columns, Columns));
        }

        return Of(scaled, Rows, Columns);
    }
}
