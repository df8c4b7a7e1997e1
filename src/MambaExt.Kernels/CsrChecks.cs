namespace MambaExt.Kernels;

/// <summary>What every sparse sum asks of its arguments, wherever it runs.</summary>
internal static unsafe class CsrChecks
{
    public static void Sizes(long rows, long columns)
    {
        if (rows < 0 || columns < 0)
        {
            throw new ArgumentException($"The sparse rows are {rows} x {columns}; both are 0 or more, so give the sizes of the graph or matrix.");
        }
    }

    public static void Channels(long channels)
    {
        if (channels < 1)
        {
            throw new ArgumentException($"C is {channels}; allowed is 1 or more, so give the channels of x [columns, C].");
        }
    }

    public static void Heads(long channels, long heads)
    {
        if (heads < 1 || channels % heads != 0)
        {
            throw new ArgumentException($"There are {heads} heads for {channels} channels; give a divisor of the channels.");
        }
    }

    /// <summary>What is gathered and what belongs to the rows.</summary>
    public static void Rows(long rows, long arcs, void* x, void* y)
    {
        if (arcs > 0)
        {
            KernelArgument.RequirePointer(x, "X", "[columns, C]");
        }

        if (rows > 0)
        {
            KernelArgument.RequirePointer(y, "Y", "[V, C]");
        }
    }

    /// <summary>What belongs to the arcs.</summary>
    public static void Arcs(long arcs, void* values, string name, string shape)
    {
        if (arcs > 0)
        {
            KernelArgument.RequirePointer(values, name, shape);
        }
    }
}
