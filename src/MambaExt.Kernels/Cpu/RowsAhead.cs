namespace MambaExt.Kernels.Cpu;

/// <summary>Spreads the requests for the rows of the next strip over the stretches of arithmetic of this one.</summary>
internal unsafe struct RowsAhead
{
    private const int Most = 8;

    private fixed long _bases[Most];
    private fixed long _strides[Most];
    private readonly ScanRows _rows;
    private readonly long _end;
    private readonly int _bytes;
    private readonly int _rowsPerCall;
    private long _next;
    private int _count;

    /// <param name="rows">Where the positions lie</param>
    /// <param name="start">First position of the next strip's chunk</param>
    /// <param name="end">One past its last position; nothing is asked for where that is not after <paramref name="start"/></param>
    /// <param name="bytes">Bytes of a row that the strip covers</param>
    /// <param name="calls">How often <see cref="Ask"/> will be called</param>
    public RowsAhead(in ScanRows rows, long start, long end, int bytes, int calls)
    {
        _rows = rows;
        _next = start;
        _end = end;
        _bytes = bytes;
        _rowsPerCall = (int)Math.Max(1, (end - start + calls - 1) / calls);
    }

    /// <summary>Adds a sequence: the address of the strip's first channel in row 0, and elements between rows.</summary>
    public void Add<T>(T* firstRow, long stride, int channel)
        where T : unmanaged
    {
        if (firstRow != null)
        {
            _bases[_count] = (long)(firstRow + channel);
            _strides[_count++] = stride * sizeof(T);
        }
    }

    /// <summary>Asks for the next few rows.</summary>
    public void Ask()
    {
        for (int i = 0; i < _rowsPerCall && _next < _end; i++, _next++)
        {
            long row = _rows.Row(_next);
            for (int k = 0; k < _count; k++)
            {
                Prefetch.Bytes((void*)(_bases[k] + row * _strides[k]), _bytes);
            }
        }
    }
}
