using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>
/// A constant sparse matrix or graph by rows, [R, M] with E entries, for differentiable sums over its rows:
/// a graph layer gathers neighbours with it, sparse features are multiplied by a weight with it. Gradients run over the transpose, built
/// once, in a fixed order: they are the same bits at any number of threads. Owns native memory; dispose it after the last backward.
/// </summary>
public sealed unsafe class CsrMatrix : IDisposable
{
    private readonly Workspace _memory = new();
    private readonly Lazy<CsrTranspose> _transpose;
    private readonly long* _offsets;
    private readonly int* _columns;
    private readonly float* _values;
    private readonly Dictionary<string, CsrCopy> _copies = [];
    private readonly Dictionary<string, Tensor> _valueCopies = [];
    private double* _wideValues;
    private bool _disposed;

    /// <summary>Checks and copies the arrays.</summary>
    /// <param name="columns">M</param>
    /// <param name="offsets">[R + 1], ascending from 0</param>
    /// <param name="indices">[E], each below <paramref name="columns"/></param>
    /// <param name="values">[E], or empty where every entry is 1</param>
    /// <exception cref="ArgumentException">An offset descends or an index is out of range.</exception>
    public CsrMatrix(long columns, ReadOnlySpan<long> offsets, ReadOnlySpan<int> indices, ReadOnlySpan<float> values = default)
    {
        if (offsets.Length == 0 || offsets[^1] != indices.Length || (values.Length != 0 && values.Length != indices.Length))
        {
            throw new ArgumentException(
                $"The sparse matrix was given {offsets.Length} offsets, {indices.Length} indices and {values.Length} values; give R + 1 offsets ending in the number of indices, and as many values as indices or none.");
        }

        Rows = offsets.Length - 1;
        Columns = columns;
        EntryCount = indices.Length;
        _offsets = Copy(offsets);
        _columns = Copy(indices);
        _values = values.Length == 0 && indices.Length > 0 ? null : Copy(values);
        try
        {
            Forward.Validate();
        }
        catch
        {
            _memory.Dispose();
            throw;
        }

        _transpose = new Lazy<CsrTranspose>(() => new CsrTranspose(Forward));
    }

    /// <summary>R.</summary>
    public long Rows { get; }

    /// <summary>M.</summary>
    public long Columns { get; }

    /// <summary>E.</summary>
    public long EntryCount { get; }

    internal CsrRows Forward
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return new CsrRows(Rows, Columns, _offsets, _columns);
        }
    }

    internal CsrRows Transposed
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _transpose.Value.Rows;
        }
    }

    /// <summary>S x: for each row the sum of value times x[index], x [M, C], result [R, C]. Differentiable in x.</summary>
    public Tensor Multiply(Tensor x) => CsrFunction.Apply(this, x, null, _values == null ? CsrKind.Plain : CsrKind.Valued);

    /// <summary>For each row the sum of x[index], the values left aside.</summary>
    public Tensor Sum(Tensor x) => CsrFunction.Apply(this, x, null, CsrKind.Plain);

    /// <summary>For each row the sum of weights[e] x[index], weights [E]; or weights [E, H], H a divisor of C, each head for the C / H channels
    /// at its place. Differentiable in x and weights.</summary>
    public Tensor WeightedSum(Tensor x, Tensor weights) => CsrFunction.Apply(this, x, weights, CsrKind.Weighted);

    /// <summary>For each row the sum of gates[e] * x[index], gates [E, C]. Differentiable in x and gates.</summary>
    public Tensor GatedSum(Tensor x, Tensor gates) => CsrFunction.Apply(this, x, gates, CsrKind.Gated);

    /// <summary>On each entry the sum of what its row and its column have, target[row] + source[index], [E, C]; either may be left out.
    /// Differentiable once in both.</summary>
    /// <param name="target">[R, C] or null</param>
    /// <param name="source">[M, C] or null</param>
    public Tensor ArcSum(Tensor? target, Tensor? source)
    {
        if (target is null && source is null)
        {
            throw new ArgumentException("Neither rows nor columns were given anything to add; give target, source or both.");
        }

        ComputeTarget where = ComputeTarget.Of((target ?? source)!);
        CheckPart(target, Rows, "target", where);
        CheckPart(source, Columns, "source", where);
        if (target is not null && source is not null && !Alike(target, source))
        {
            throw new ArgumentException(
                $"target is {target.dtype} on {target.device} with {target.shape[1]} channels and source {source.dtype} on {source.device} with {source.shape[1]}; give both the same type, device and channels.");
        }

        return KernelFunction.Apply(new ArcSumCall(this, target is not null, source is not null, where), [.. new[] { target, source }.OfType<Tensor>()]);
    }

    /// <summary>For each row the sum of its entries' values, [E, C] to [R, C]. Differentiable once.</summary>
    public Tensor RowSum(Tensor values)
    {
        ComputeTarget where = ComputeTarget.Of(values);
        CheckPart(values, EntryCount, "values", where);
        return KernelFunction.Apply(new RowSumCall(this, where), values);
    }

    /// <summary>Softmax over the entries of each row, channel by channel, [E, C]; safe for any finite values. Differentiable once.</summary>
    public Tensor RowSoftmax(Tensor values)
    {
        ComputeTarget where = ComputeTarget.Of(values);
        CheckPart(values, EntryCount, "values", where);
        return KernelFunction.Apply(new RowSoftmaxCall(this, where), values);
    }

    /// <summary>For each row the mean of x[index] weighted by gates sigmoid(target[row] + source[index]), channel by channel (GatedGCN, Bresson and
    /// Laurent, arXiv 1711.07553), without a tensor over the entries. Differentiable once in all three.</summary>
    /// <param name="target">[R, C]</param>
    /// <param name="source">[M, C]</param>
    /// <param name="x">[M, C]</param>
    public Tensor GatedMean(Tensor target, Tensor source, Tensor x)
    {
        ComputeTarget where = ComputeTarget.Of(x);
        CheckPart(target, Rows, "target", where);
        CheckPart(source, Columns, "source", where);
        CheckPart(x, Columns, "x", where);
        if (!Alike(source, target) || !Alike(x, target))
        {
            throw new ArgumentException(
                $"target, source and x have {target.shape[1]}, {source.shape[1]} and {x.shape[1]} channels of {target.dtype}, {source.dtype} and {x.dtype} on {target.device}, {source.device} and {x.device}; give all three the same.");
        }

        return KernelFunction.Apply(new GatedMeanCall(this, where), target, source, x);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        lock (_memory)
        {
            foreach (IDisposable copy in _copies.Values.Concat<IDisposable>(_valueCopies.Values))
            {
                copy.Dispose();
            }

            _copies.Clear();
            _valueCopies.Clear();
        }

        if (_transpose is { IsValueCreated: true })
        {
            _transpose.Value.Dispose();
        }

        _memory.Dispose();
    }

    /// <summary>The values as T, float or double.</summary>
    internal T* Values<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return (T*)_values;
        }

        lock (_memory)
        {
            if (_wideValues == null && _values != null)
            {
                double* wide = _memory.Allocate<double>(EntryCount);
                for (long e = 0; e < EntryCount; e++)
                {
                    wide[e] = _values[e];
                }

                _wideValues = wide;
            }
        }

        return (T*)_wideValues;
    }

    /// <summary>The rows, or those of the transpose, in the memory of a GPU; copied at the first call.</summary>
    internal CudaCsrRows RowsOn(Device device, bool transposed)
    {
        CsrRows rows = transposed ? Transposed : Forward;
        lock (_memory)
        {
            string name = $"{device} {transposed}";
            if (!_copies.TryGetValue(name, out CsrCopy? copy))
            {
                _copies[name] = copy = new CsrCopy(rows, device);
            }

            return copy.Rows;
        }
    }

    /// <summary>The values in the memory of a GPU, which the caller disposes; null where every entry is 1.</summary>
    internal Tensor? ValuesOn(Device device, ScalarType type)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_values == null)
        {
            return null;
        }

        lock (_memory)
        {
            string name = $"{device} {type}";
            if (!_valueCopies.TryGetValue(name, out Tensor? copy))
            {
                using Tensor single = CsrCopy.Copy(_values, EntryCount, ScalarType.Float32, device);
                _valueCopies[name] = copy = single.to(type, copy: true).DetachFromDisposeScope();
            }

            return copy.alias();
        }
    }

    /// <summary>The row of each entry as a torch index, for second derivatives only.</summary>
    internal Tensor EntryRows() => tensor(Enumerable.Range(0, checked((int)Rows)).SelectMany(r => Enumerable.Repeat((long)r, (int)(_offsets[r + 1] - _offsets[r]))).ToArray());

    /// <summary>The column of each entry as a torch index, for second derivatives only.</summary>
    internal Tensor EntryColumns() => tensor(new ReadOnlySpan<int>(_columns, checked((int)EntryCount)).ToArray().Select(c => (long)c).ToArray());

    private static bool Alike(Tensor one, Tensor other) => one.shape[1] == other.shape[1] && one.dtype == other.dtype && ScanArguments.SameDevice(one, other);

    private void CheckPart(Tensor? part, long rows, string name, ComputeTarget where)
    {
        if (part is null)
        {
            return;
        }

        if (part.dim() != 2 || part.shape[0] != rows || part.shape[1] < 1)
        {
            throw new ArgumentException($"{name} has shape [{string.Join(", ", part.shape)}]; the sparse matrix is {Rows} x {Columns} with {EntryCount} entries and takes [{rows}, C] with at least one channel.");
        }

        if (part.dtype is not (ScalarType.Float32 or ScalarType.Float64) && !(where.TakesNarrow && part.dtype is ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"{name} is {part.dtype} on {part.device}; operators on the entries take float32 and float64, and on a GPU bfloat16 and half; convert it with to_type.");
        }
    }

    private T* Copy<T>(ReadOnlySpan<T> source)
        where T : unmanaged
    {
        T* target = _memory.Allocate<T>(source.Length);
        source.CopyTo(new Span<T>(target, source.Length));
        return target;
    }
}
