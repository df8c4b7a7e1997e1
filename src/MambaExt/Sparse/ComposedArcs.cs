using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>
/// The operators on the entries of a sparse matrix composed of torch's own and of sparse sums, for devices without a fused kernel of
/// them: the same numbers, tensors over the entries beside them. Sums keep the order of the entries, so they are bit-identical from run to run.
/// Owns index tensors on its device.
/// </summary>
internal sealed class ComposedArcs : IDisposable
{
    private readonly Tensor _rows;
    private readonly Tensor _columns;
    private readonly Tensor _entries;
    private readonly Tensor _last;
    private readonly Tensor _first;
    private readonly long _longest;
    private readonly CsrMatrix _incidence;
    private readonly CsrMatrix _matrix;

    /// <summary>Copies the structure of <paramref name="matrix"/> to <paramref name="device"/>.</summary>
    public ComposedArcs(CsrMatrix matrix, ReadOnlySpan<long> offsets, Device device)
    {
        _matrix = matrix;
        using DisposeScope scope = NewDisposeScope();
        _rows = matrix.EntryRows().to(device).DetachFromDisposeScope();
        _columns = matrix.EntryColumns().to(device).DetachFromDisposeScope();
        _entries = arange(matrix.EntryCount, device: device).DetachFromDisposeScope();
        Tensor bounds = tensor(offsets.ToArray(), device: device);
        _first = bounds.narrow(0, 0, matrix.Rows).index_select(0, _rows).DetachFromDisposeScope();
        _last = (bounds.narrow(0, 1, matrix.Rows).index_select(0, _rows) - 1).DetachFromDisposeScope();
        for (int r = 0; r < matrix.Rows; r++)
        {
            _longest = Math.Max(_longest, offsets[r + 1] - offsets[r]);
        }

        _incidence = new CsrMatrix(matrix.EntryCount, offsets, [.. Enumerable.Range(0, checked((int)matrix.EntryCount))]);
    }

    /// <summary>target[row] + source[index], [E, C].</summary>
    public Tensor ArcSum(Tensor? target, Tensor? source) =>
        target is null ? source!.index_select(0, _columns) : source is null ? Spread(target) : Spread(target) + source.index_select(0, _columns);

    /// <summary>Sums of the entries of each row, [R, C].</summary>
    public Tensor RowSum(Tensor values) => _incidence.Sum(values);

    /// <summary>Softmax over the entries of each row.</summary>
    public Tensor RowSoftmax(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor shares = (values - RowMax(values.detach())).exp();
        return (shares / Spread(RowSum(shares))).MoveToOuterDisposeScope();
    }

    /// <summary>Mean of x[index] under sigmoid gates; see <see cref="CsrMatrix.GatedMean"/>.</summary>
    public Tensor GatedMean(Tensor target, Tensor source, Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gates = ArcSum(target, source).sigmoid();
        return (_matrix.GatedSum(x, gates) / (RowSum(gates) + Kernels.CsrGatedMean.Epsilon)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor index in new[] { _rows, _columns, _entries, _last, _first })
        {
            index.Dispose();
        }

        _incidence.Dispose();
    }

    private Tensor Spread(Tensor rows) => rows.index_select(0, _rows);

    /// <summary>The largest entry of its row for every entry. Each step doubles the stretch, from the entry on, that it is the largest of; the first
    /// entry of a row then knows the row's.</summary>
    private Tensor RowMax(Tensor values)
    {
        using IDisposable _ = no_grad();
        Tensor largest = values;
        for (long step = 1; step < _longest; step *= 2)
        {
            largest = maximum(largest, largest.index_select(0, minimum(_entries + step, _last)));
        }

        return largest.index_select(0, _first);
    }
}
