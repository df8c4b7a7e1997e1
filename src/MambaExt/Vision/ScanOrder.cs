using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>The order in which a scan visits the cells of a map [h, w]: data, an index into the row-major cells and its inverse.</summary>
public sealed class ScanOrder
{
    private readonly long[] _index;
    private readonly long[] _inverse;

    private ScanOrder(string name, int height, int width, long[] index)
    {
        (Name, Height, Width, _index, _inverse) = (name, height, width, index, new long[index.Length]);
        for (int i = 0; i < index.Length; i++)
        {
            _inverse[index[i]] = i;
        }
    }

    /// <summary>What it is called.</summary>
    public string Name { get; }

    /// <summary>h.</summary>
    public int Height { get; }

    /// <summary>w.</summary>
    public int Width { get; }

    /// <summary>L = h w.</summary>
    public int Length => _index.Length;

    /// <summary>The cell at each step, [L]: cell r w + c is that of row r and column c.</summary>
    public IReadOnlyList<long> Index => _index;

    /// <summary>The step at each cell, [L].</summary>
    public IReadOnlyList<long> Inverse => _inverse;

    /// <summary>Row by row, each from left to right.</summary>
    public static ScanOrder RowMajor(int height, int width) => Make("row-major", height, width, (step, length) => step);

    /// <summary>As <see cref="RowMajor"/>, from its last cell to its first.</summary>
    public static ScanOrder ReversedRowMajor(int height, int width) => Make("reversed row-major", height, width, (step, length) => length - 1 - step);

    /// <summary>Column by column, each from top to bottom.</summary>
    public static ScanOrder ColumnMajor(int height, int width) => Make("column-major", height, width, (step, length) => Transposed(step, height, width));

    /// <summary>As <see cref="ColumnMajor"/>, from its last cell to its first.</summary>
    public static ScanOrder ReversedColumnMajor(int height, int width) => Make("reversed column-major", height, width, (step, length) => Transposed(length - 1 - step, height, width));

    /// <summary>The four of VMamba's cross scan (Liu et al., arXiv 2401.10166): row-major, its reverse, column-major, its reverse.</summary>
    public static IReadOnlyList<ScanOrder> FourDirections(int height, int width) =>
        [RowMajor(height, width), ReversedRowMajor(height, width), ColumnMajor(height, width), ReversedColumnMajor(height, width)];

    /// <summary>The orders' cells one after the other, int64 [K L].</summary>
    /// <param name="orders">Of one size of map</param>
    public static Tensor Indices(IReadOnlyList<ScanOrder> orders) => tensor(orders.SelectMany(o => o._index).ToArray());

    /// <summary>Where each cell lies among the steps of all orders, one order behind the other, int64 [K L].</summary>
    /// <param name="orders">Of one size of map</param>
    public static Tensor Inverses(IReadOnlyList<ScanOrder> orders) => tensor(orders.SelectMany((o, k) => o._inverse.Select(step => ((long)k * o.Length) + step)).ToArray());

    private static ScanOrder Make(string name, int height, int width, Func<long, long, long> cell)
    {
        if (height < 1 || width < 1 || (long)height * width > int.MaxValue)
        {
            throw new ArgumentException($"A map of {height} x {width} has no scan order; give a height and a width of 1 or more.");
        }

        int length = height * width;
        return new ScanOrder(name, height, width, [.. Enumerable.Range(0, length).Select(step => cell(step, length))]);
    }

    private static long Transposed(long step, int height, int width) => (step % height * width) + (step / height);
}
