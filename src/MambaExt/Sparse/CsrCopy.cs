using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>Rows of a sparse matrix in the memory of a GPU, held by tensors.</summary>
internal sealed unsafe class CsrCopy : IDisposable
{
    private readonly Tensor _offsets, _columns;
    private readonly Tensor? _arcs;
    private readonly long _rows, _columnCount;

    /// <summary>Copies rows that have been checked.</summary>
    public CsrCopy(in CsrRows rows, Device device)
    {
        (_rows, _columnCount) = (rows.Rows, rows.ColumnCount);
        _offsets = Copy(rows.Offsets, rows.Rows + 1, ScalarType.Int64, device);
        _columns = Copy(rows.Columns, rows.ArcCount, ScalarType.Int32, device);
        _arcs = rows.Arcs == null ? null : Copy(rows.Arcs, rows.ArcCount, ScalarType.Int64, device);
    }

    /// <summary>Valid until disposed.</summary>
    public CudaCsrRows Rows => new(_rows, _columnCount, _columns.numel(), TensorPointer.Of<long>(_offsets), TensorPointer.Of<int>(_columns), TensorPointer.Of<long>(_arcs));

    /// <summary>Elements as a tensor on a device, outside of every dispose scope.</summary>
    public static Tensor Copy<T>(T* source, long count, ScalarType type, Device device)
        where T : unmanaged
    {
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor here = empty([count], type, CPU);
        Buffer.MemoryCopy(source, TensorPointer.Of<T>(here), count * sizeof(T), count * sizeof(T));
        return here.to(device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _offsets.Dispose();
        _columns.Dispose();
        _arcs?.Dispose();
    }
}
