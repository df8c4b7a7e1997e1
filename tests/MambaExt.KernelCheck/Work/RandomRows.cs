using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;

namespace MambaExt.KernelCheck.Work;

/// <summary>A random graph by rows, one arc in a hundred at the first vertex; or the first rows of it.</summary>
internal sealed unsafe class RandomRows
{
    private const double Hub = 0.01;
    private readonly int _vertices;
    private readonly long[] _offsets;
    private readonly int[] _columns;

    /// <param name="vertices">V</param>
    /// <param name="arcs">E of the whole graph</param>
    /// <param name="rows">Rows that are kept</param>
    public RandomRows(int vertices, int arcs, int rows)
    {
        _vertices = vertices;
        var random = new Random(vertices + arcs);
        int[] from = [.. Enumerable.Range(0, arcs).Select(_ => random.NextDouble() < Hub ? 0 : random.Next(vertices)).Order()];
        int[] to = [.. from.Select(_ => random.NextDouble() < Hub ? 0 : random.Next(vertices))];
        _offsets = new long[rows + 1];
        foreach (int v in from.Where(v => v < rows))
        {
            _offsets[v + 1]++;
        }

        for (int v = 0; v < rows; v++)
        {
            _offsets[v + 1] += _offsets[v];
        }

        _columns = to[..(int)_offsets[rows]];
    }

    public delegate nint Copying<TElement>(ReadOnlySpan<TElement> elements)
        where TElement : unmanaged;

    public int Count => _offsets.Length - 1;

    public int Arcs => _columns.Length;

    public CsrRows OnCpu(Copying<long> copyLongs, Copying<int> copyInts) => new(Count, _vertices, (long*)copyLongs(_offsets), (int*)copyInts(_columns));

    public (CudaCsrRows Rows, CudaCsrRows Transposed) OnGpu(Copying<long> copyLongs, Copying<int> copyInts)
    {
        fixed (long* offsets = _offsets)
        fixed (int* columns = _columns)
        {
            using var transpose = new CsrTranspose(new CsrRows(Count, _vertices, offsets, columns));
            CsrRows t = transpose.Rows;
            return (
                new CudaCsrRows(Count, _vertices, Arcs, (long*)copyLongs(_offsets), (int*)copyInts(_columns)),
                new CudaCsrRows(
                    _vertices, Count, Arcs, (long*)copyLongs(new ReadOnlySpan<long>(t.Offsets, _vertices + 1)), (int*)copyInts(new ReadOnlySpan<int>(t.Columns, Arcs)),
                    (long*)copyLongs(new ReadOnlySpan<long>(t.Arcs, Arcs))));
        }
    }
}
