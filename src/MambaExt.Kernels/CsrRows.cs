namespace MambaExt.Kernels;

/// <summary>
/// A sparse matrix or graph by rows (CSR): row v holds the arcs e in <c>[Offsets[v], Offsets[v+1])</c>, arc e points at column
/// <c>Columns[e]</c>. The memory is the caller's.
/// </summary>
public readonly unsafe struct CsrRows
{
    /// <summary>Names the parts; nothing is read yet.</summary>
    /// <param name="rows">V, 0 or more.</param>
    /// <param name="columnCount">Columns, that is rows of what is gathered; 0 or more.</param>
    /// <param name="offsets"><c>[V+1]</c>, ascending from 0.</param>
    /// <param name="columns"><c>[E]</c>, each below <paramref name="columnCount"/>.</param>
    /// <param name="arcs"><c>[E]</c>: which arc of the caller's weights or gates each entry is, or null for arc e itself. A transpose
    /// has its own, see <see cref="CsrTranspose"/>.</param>
    public CsrRows(long rows, long columnCount, long* offsets, int* columns, long* arcs = null)
    {
        CsrChecks.Sizes(rows, columnCount);
        KernelArgument.RequirePointer(offsets, "Offsets", "[V+1]");
        if (offsets[0] != 0 || offsets[rows] < 0)
        {
            throw new ArgumentException(
                $"The offsets run from {offsets[0]} to {offsets[rows]}; they begin with 0 and ascend, so give running sums of the row lengths.");
        }

        CsrChecks.Arcs(offsets[rows], columns, "Columns", "[E]");
        Rows = rows;
        ColumnCount = columnCount;
        Offsets = offsets;
        Columns = columns;
        Arcs = arcs;
    }

    /// <summary>V.</summary>
    public long Rows { get; }

    /// <summary>Columns.</summary>
    public long ColumnCount { get; }

    /// <summary><c>[V+1]</c>.</summary>
    public long* Offsets { get; }

    /// <summary><c>[E]</c>.</summary>
    public int* Columns { get; }

    /// <summary><c>[E]</c>, or null where entry e is arc e.</summary>
    public long* Arcs { get; }

    /// <summary>E.</summary>
    public long ArcCount => Offsets[Rows];

    /// <summary>Reads everything once and throws where an operator would leave its memory. For the owner, after building or loading.</summary>
    /// <exception cref="ArgumentException">An offset descends, a column is out of range, or an arc number is.</exception>
    public void Validate()
    {
        for (long v = 0; v < Rows; v++)
        {
            if (Offsets[v + 1] < Offsets[v])
            {
                throw new ArgumentException($"Offset {v + 1} is {Offsets[v + 1]}, below {Offsets[v]} before it; offsets ascend, so give running sums.");
            }
        }

        for (long e = 0; e < ArcCount; e++)
        {
            if ((uint)Columns[e] >= (ulong)ColumnCount)
            {
                throw new ArgumentException($"Arc {e} points at column {Columns[e]}; allowed are 0 to {ColumnCount - 1}, so check the edge list.");
            }

            if (Arcs != null && (ulong)Arcs[e] >= (ulong)ArcCount)
            {
                throw new ArgumentException($"Entry {e} is arc {Arcs[e]}; allowed are 0 to {ArcCount - 1}, so build the transpose anew.");
            }
        }
    }
}
