using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>A sparse matrix in compressed rows, as SciPy stores it; always consistent.</summary>
public sealed record SparseCsr
{
    /// <summary>A matrix that a pickle announces before it gives its content.</summary>
    internal SparseCsr()
    {
    }

    /// <summary>The stored values, in the order of <see cref="Indices"/>.</summary>
    public NpyArray Data { get; private set; } = new();

    /// <summary>The column of every stored value.</summary>
    public int[] Indices { get; private set; } = [];

    /// <summary>Row r holds the values from <c>IndPtr[r]</c> up to <c>IndPtr[r + 1]</c>.</summary>
    public long[] IndPtr { get; private set; } = [0];

    /// <summary>The number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>The number of columns.</summary>
    public int Columns { get; private set; }

    /// <summary>Rows and columns.</summary>
    public (int Rows, int Columns) Shape => (Rows, Columns);

    internal bool IsFilled { get; private set; }

    /// <summary>Puts a matrix together from its parts, as some data sets store them one by one; messages call it <paramref name="source"/>.</summary>
    /// <exception cref="InvalidDataException">The parts do not fit one another.</exception>
    public static SparseCsr Of(NpyArray data, NpyArray indices, NpyArray indPtr, ReadOnlySpan<long> shape, string source = "memory") =>
        new SparseCsr().Fill(data, indices, indPtr, shape, source, 0);

    internal SparseCsr Fill(NpyArray data, NpyArray indices, NpyArray indPtr, ReadOnlySpan<long> shape, string file, long offset)
    {
        if (shape.Length != 2 || shape[0] is < 0 or >= int.MaxValue || shape[1] is < 0 or > int.MaxValue)
        {
            throw Bad($"a sparse matrix of shape {NpyLayout.Text(shape)}", "two extents below 2^31");
        }

        if (data.Shape.Length != 1 || indices.Shape.Length != 1 || indPtr.Shape.Length != 1 || data.Count != indices.Count || indPtr.Count != shape[0] + 1)
        {
            throw Bad($"{data.Count} values, {indices.Count} columns and {indPtr.Count} row starts for {shape[0]} rows", "as many columns as values and one row start more than rows, in one dimension each");
        }

        (int[] columns, long[] starts) = (indices.ToInts(), indPtr.ToLongs());

        // Without columns the range below would be empty, which the search takes for everything.
        int outside = shape[1] == 0 ? columns.Length - 1 : columns.AsSpan().IndexOfAnyExceptInRange(0, (int)shape[1] - 1);
        if (outside >= 0)
        {
            throw Bad($"column {columns[outside]} at position {outside}", $"a column below {shape[1]}");
        }

        if (starts[0] != 0 || starts[^1] != columns.Length)
        {
            throw Bad($"row starts from {starts[0]} to {starts[^1]}", $"from 0 to the {columns.Length} values there are");
        }

        for (int row = 1; row < starts.Length; row++)
        {
            if (starts[row] < starts[row - 1])
            {
                throw Bad($"row {row} starting at {starts[row]}, before row {row - 1} at {starts[row - 1]}", "row starts that do not fall");
            }
        }

        (Data, Indices, IndPtr, Rows, Columns, IsFilled) = (data, columns, starts, (int)shape[0], (int)shape[1], true);
        return this;

        InvalidDataException Bad(string found, string allowed) => BadFile.At(file, offset, found, allowed, "download or write the file again");
    }
}
