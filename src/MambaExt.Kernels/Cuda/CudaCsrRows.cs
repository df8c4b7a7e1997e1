namespace MambaExt.Kernels.Cuda;

/// <summary>
/// A sparse matrix or graph by rows in the memory of a GPU: what <see cref="CsrRows"/> is in the machine's own. Nothing of it can be read
/// here, so check it (<see cref="CsrRows.Validate"/>) before it is copied; a transpose comes from <see cref="CsrTranspose"/>.
/// </summary>
public readonly unsafe struct CudaCsrRows
{
    /// <summary>Names the parts, all addresses of the device.</summary>
    /// <param name="rows">V, 0 or more</param>
    /// <param name="columnCount">Columns, that is rows of what is gathered; 0 or more</param>
    /// <param name="arcCount">E, the last offset</param>
    /// <param name="offsets"><c>[V+1]</c>, ascending from 0</param>
    /// <param name="columns"><c>[E]</c>, each below <paramref name="columnCount"/></param>
    /// <param name="arcs"><c>[E]</c>: which arc of the caller's weights or gates each entry is, or null for arc e itself</param>
    /// <exception cref="ArgumentException">A size is negative or a pointer missing.</exception>
    public CudaCsrRows(long rows, long columnCount, long arcCount, long* offsets, int* columns, long* arcs = null)
    {
        CsrChecks.Sizes(rows, columnCount);
        if (arcCount < 0 || (arcCount > 0 && (rows == 0 || columnCount == 0)))
        {
            throw new ArgumentException($"The sparse rows are {rows} x {columnCount} with {arcCount} arcs; give the last offset, which is 0 where there are no rows or columns.");
        }

        KernelArgument.RequirePointer(offsets, "Offsets", "[V+1]");
        CsrChecks.Arcs(arcCount, columns, "Columns", "[E]");
        (Rows, ColumnCount, ArcCount) = (rows, columnCount, arcCount);
        Offsets = offsets;
        Columns = columns;
        Arcs = arcs;
    }

    /// <summary>V.</summary>
    public long Rows { get; }

    /// <summary>Columns.</summary>
    public long ColumnCount { get; }

    /// <summary>E.</summary>
    public long ArcCount { get; }

    /// <summary><c>[V+1]</c>.</summary>
    public long* Offsets { get; }

    /// <summary><c>[E]</c>.</summary>
    public int* Columns { get; }

    /// <summary><c>[E]</c>, or null where entry e is arc e.</summary>
    public long* Arcs { get; }
}
