namespace MambaExt.Kernels;

/// <summary>
/// The transpose of sparse rows, built once by their owner: row c lists the arcs that point at column c, in the order of the rows
/// they come from. Every gradient that scatters becomes a sum over such a row, in an order that no thread changes.
/// </summary>
public sealed unsafe class CsrTranspose : IDisposable
{
    private readonly Workspace _memory = new();
    private readonly CsrRows _rows;

    /// <summary>Sorts the arcs of <paramref name="rows"/> by column, stably, in one counting pass.</summary>
    /// <exception cref="ArgumentException">The rows have a descending offset or a column out of range, or more than 2^31 - 1 rows.</exception>
    public CsrTranspose(in CsrRows rows)
    {
        if (rows.Rows > int.MaxValue)
        {
            throw new ArgumentException($"The sparse rows are {rows.Rows}; a transpose numbers at most {int.MaxValue}, so cut the matrix.");
        }

        rows.Validate();
        long* offsets = _memory.Allocate<long>(rows.ColumnCount + 1, zeroed: true);
        int* columns = _memory.Allocate<int>(rows.ArcCount);
        long* arcs = _memory.Allocate<long>(rows.ArcCount);
        for (long e = 0; e < rows.ArcCount; e++)
        {
            offsets[rows.Columns[e] + 1]++;
        }

        for (long c = 0; c < rows.ColumnCount; c++)
        {
            offsets[c + 1] += offsets[c];
        }

        using var scratch = new Workspace();
        long* next = scratch.Allocate<long>(rows.ColumnCount);
        Buffer.MemoryCopy(offsets, next, rows.ColumnCount * sizeof(long), rows.ColumnCount * sizeof(long));
        for (long v = 0; v < rows.Rows; v++)
        {
            for (long e = rows.Offsets[v]; e < rows.Offsets[v + 1]; e++)
            {
                long at = next[rows.Columns[e]]++;
                columns[at] = (int)v;
                arcs[at] = rows.Arcs == null ? e : rows.Arcs[e];
            }
        }

        _rows = new CsrRows(rows.ColumnCount, rows.Rows, offsets, columns, arcs);
    }

    /// <summary>The transposed rows; <see cref="CsrRows.Arcs"/> leads back to the weights and gates of the original. Valid until disposed.</summary>
    public CsrRows Rows => _memory.Bytes > 0 ? _rows : default;

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
