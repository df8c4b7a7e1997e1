namespace MambaExt.Kernels.Cpu;

/// <summary>Cuts rows into ranges of about equal work, counting a row as one arc more than it has. A row is never cut.</summary>
internal readonly unsafe struct CsrTasks
{
    /// <summary>Multiply-adds worth a task of its own.</summary>
    private const long Grain = 1 << 18;

    private readonly CsrRows _rows;

    public CsrTasks(in CsrRows rows, long channels)
    {
        _rows = rows;
        long work = rows.Rows + rows.ArcCount;
        Count = (int)Math.Min(Math.Min(1024, rows.Rows), 1 + (work / Math.Max(1, Grain / channels)));
    }

    public int Count { get; }

    /// <summary>First row of a task; that of the task after the last is V.</summary>
    public long FirstRow(int task)
    {
        if (task == Count)
        {
            return _rows.Rows;
        }

        long work = _rows.Rows + _rows.ArcCount;
        long target = (work / Count * task) + (work % Count * task / Count);
        long low = 0, high = _rows.Rows;
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            if (_rows.Offsets[middle] + middle < target)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
