using MambaExt.Sparse;
using static System.FormattableString;

namespace MambaExt.Graph.Graphs;

/// <summary>
/// A float matrix as compressed sparse rows: row r has the values <c>Values[Offsets[r] .. Offsets[r + 1]]</c> in the columns
/// <c>Indices[...]</c>. The arrays are shared, not copied, and must not be changed.
/// </summary>
public sealed class SparseMatrix
{
    /// <summary>Checks and wraps the arrays.</summary>
    /// <param name="rows">Rows, R.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="offsets">[R + 1], from 0, never falling, ending in the number of entries.</param>
    /// <param name="indices">Column of each entry, [entries].</param>
    /// <param name="values">Value of each entry, [entries].</param>
    public SparseMatrix(int rows, int columns, long[] offsets, int[] indices, float[] values)
        : this(rows, columns, offsets, indices, values, trusted: false)
    {
    }

    private SparseMatrix(int rows, int columns, long[] offsets, int[] indices, float[] values, bool trusted)
    {
        (Rows, Columns, Offsets, Indices, Values) = (rows, columns, offsets, indices, values);
        if (!trusted)
        {
            Validate();
        }
    }

    /// <summary>Rows, R.</summary>
    public int Rows { get; }

    /// <summary>Columns.</summary>
    public int Columns { get; }

    /// <summary>Where each row starts, [R + 1].</summary>
    public long[] Offsets { get; }

    /// <summary>Column of each entry, [entries].</summary>
    public int[] Indices { get; }

    /// <summary>Value of each entry, [entries].</summary>
    public float[] Values { get; }

    /// <summary>Stored entries.</summary>
    public long EntryCount => Indices.Length;

    /// <summary>A copy for differentiable products with tensors; the caller disposes it.</summary>
    public CsrMatrix ToCsrMatrix() => new(Columns, Offsets, Indices, Values);

    /// <summary>Each row divided by the sum of its absolute values; rows of zeros stay.</summary>
    public SparseMatrix RowNormalised()
    {
        var values = new float[Values.Length];
        for (int r = 0; r < Rows; r++)
        {
            int start = (int)Offsets[r], count = (int)(Offsets[r + 1] - Offsets[r]);
            RowNormalisation.Apply(Values.AsSpan(start, count), values.AsSpan(start, count));
        }

        return Trusted(Rows, Columns, Offsets, Indices, values);
    }

    /// <summary>Some rows, in the order given.</summary>
    public SparseMatrix SelectRows(ReadOnlySpan<int> rows)
    {
        var offsets = new long[rows.Length + 1];
        for (int i = 0; i < rows.Length; i++)
        {
            offsets[i + 1] = offsets[i] + Offsets[rows[i] + 1] - Offsets[rows[i]];
        }

        var indices = new int[offsets[^1]];
        var values = new float[offsets[^1]];
        for (int i = 0; i < rows.Length; i++)
        {
            int from = (int)Offsets[rows[i]], to = (int)offsets[i], count = (int)offsets[i + 1] - to;
            Indices.AsSpan(from, count).CopyTo(indices.AsSpan(to));
            Values.AsSpan(from, count).CopyTo(values.AsSpan(to));
        }

        return Trusted(rows.Length, Columns, offsets, indices, values);
    }

    /// <summary>All values row by row, [R * columns]; entries that name one column twice are added.</summary>
    public float[] ToDense()
    {
        long size = (long)Rows * Columns;
        if (size > Array.MaxLength)
        {
            throw new InvalidOperationException(Invariant($"A dense copy of {Rows:N0} x {Columns:N0} does not fit into one array; use the sparse form."));
        }

        var dense = new float[size];
        for (int r = 0; r < Rows; r++)
        {
            for (long i = Offsets[r]; i < Offsets[r + 1]; i++)
            {
                dense[(long)r * Columns + Indices[i]] += Values[i];
            }
        }

        return dense;
    }

    internal static SparseMatrix Trusted(int rows, int columns, long[] offsets, int[] indices, float[] values) =>
        new(rows, columns, offsets, indices, values, trusted: true);

    private void Validate()
    {
        if (Rows < 0 || Columns < 0 || Offsets.Length != Rows + 1L || Indices.Length != Values.Length)
        {
            throw new ArgumentException($"A sparse matrix of {Rows} x {Columns} came with {Offsets.Length} offsets, {Indices.Length} indices and {Values.Length} values; give {Rows + 1L} offsets and as many indices as values.");
        }

        if (Offsets[0] != 0 || Offsets[^1] != Indices.Length)
        {
            throw new ArgumentException($"The offsets of a sparse matrix run from {Offsets[0]} to {Offsets[^1]}; they must run from 0 to the {Indices.Length} entries.");
        }

        for (int r = 0; r < Rows; r++)
        {
            if (Offsets[r] > Offsets[r + 1])
            {
                throw new ArgumentException($"Row {r} of a sparse matrix starts at {Offsets[r]} and ends at {Offsets[r + 1]}; offsets must never fall.");
            }
        }

        foreach (int column in Indices)
        {
            if ((uint)column >= (uint)Columns)
            {
                throw new ArgumentException($"A sparse matrix names column {column}; columns are 0 to {Columns - 1}.");
            }
        }
    }
}
