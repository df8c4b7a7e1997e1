using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>From vertices to arcs: target[v] + source[j], [E, C]. The gradients are sums over the arcs of v and over those that point at j.</summary>
internal sealed class ArcSumCall(CsrMatrix matrix, bool hasTarget, bool hasSource) : KernelCall("A sum on arcs")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor values = empty([matrix.EntryCount, inputs[0].shape[1]], inputs[0].dtype);
        Tensor? target = hasTarget ? inputs[0] : null, source = hasSource ? inputs[^1] : null;
        if (values.dtype == ScalarType.Float32)
        {
            Spread<float>(target, source, values);
        }
        else
        {
            Spread<double>(target, source, values);
        }

        return values;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor? dtarget = hasTarget && Forms[0] is not null ? RowSumCall.Sum(matrix.Forward, dy) : null;
        Tensor? dsource = hasSource && Forms[^1] is not null ? RowSumCall.Sum(matrix.Transposed, dy) : null;
        return hasTarget && hasSource ? [dtarget, dsource] : hasTarget ? [dtarget] : [dsource];
    }

    private unsafe void Spread<T>(Tensor? target, Tensor? source, Tensor values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* from = target is null ? null : (T*)TensorPointer.Of(target), gathered = source is null ? null : (T*)TensorPointer.Of(source);
        CsrSegments.Spread(matrix.Forward, from, gathered, values.shape[1], (T*)TensorPointer.Of(values), Compute.Options);
        GC.KeepAlive(target);
        GC.KeepAlive(source);
    }
}

/// <summary>Sums over the arcs of each row, [E, C] to [R, C].</summary>
internal sealed class RowSumCall(CsrMatrix matrix) : KernelCall("A sum over the arcs of rows")
{
    public static Tensor Sum(CsrRows rows, Tensor values)
    {
        Tensor y = empty([rows.Rows, values.shape[1]], values.dtype);
        if (values.dtype == ScalarType.Float32)
        {
            Sum<float>(rows, values, y);
        }
        else
        {
            Sum<double>(rows, values, y);
        }

        return y;
    }

    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save) => Sum(matrix.Forward, inputs[0]);

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy) => [new ArcSumCall(matrix, true, false).Forward([dy], [])];

    private static unsafe void Sum<T>(CsrRows rows, Tensor values, Tensor y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrSegments.Sum(rows, (T*)TensorPointer.Of(values), values.shape[1], (T*)TensorPointer.Of(y), Compute.Options);
        GC.KeepAlive(values);
    }
}

/// <summary>Softmax over the arcs of each row, channel by channel.</summary>
internal sealed class RowSoftmaxCall(CsrMatrix matrix) : KernelCall("Softmax over the arcs of rows")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor p = empty_like(inputs[0]);
        if (p.dtype == ScalarType.Float32)
        {
            Softmax<float>(inputs[0], p);
        }
        else
        {
            Softmax<double>(inputs[0], p);
        }

        save.Add(p.alias());
        return p;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor gradient = empty_like(dy);
        if (dy.dtype == ScalarType.Float32)
        {
            Gradient<float>(saved[0], dy, gradient);
        }
        else
        {
            Gradient<double>(saved[0], dy, gradient);
        }

        return [gradient];
    }

    private unsafe void Softmax<T>(Tensor values, Tensor p)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrSegments.Softmax(matrix.Forward, (T*)TensorPointer.Of(values), p.shape[1], (T*)TensorPointer.Of(p), Compute.Options);
        GC.KeepAlive(values);
    }

    private unsafe void Gradient<T>(Tensor p, Tensor dp, Tensor gradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrSegments.SoftmaxGradient(matrix.Forward, (T*)TensorPointer.Of(p), (T*)TensorPointer.Of(dp), p.shape[1], (T*)TensorPointer.Of(gradient), Compute.Options);
        GC.KeepAlive(p);
        GC.KeepAlive(dp);
    }
}

/// <summary>The gated mean of GatedGCN; see <see cref="CsrGatedMean"/>. Inputs: target, source, x.</summary>
internal sealed class GatedMeanCall(CsrMatrix matrix) : KernelCall("A gated mean")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor y = empty_like(inputs[0]), divisor = empty_like(inputs[0]);
        if (y.dtype == ScalarType.Float32)
        {
            Mean<float>(inputs, y, divisor);
        }
        else
        {
            Mean<double>(inputs, y, divisor);
        }

        save.AddRange([.. inputs, y.alias(), divisor]);
        return y;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor share = dy / saved[4], dtarget = empty_like(saved[0]), dsource = empty_like(saved[1]), dx = empty_like(saved[2]);
        if (dy.dtype == ScalarType.Float32)
        {
            Gradient<float>(saved, share, dtarget, dsource, dx);
        }
        else
        {
            Gradient<double>(saved, share, dtarget, dsource, dx);
        }

        return [dtarget, dsource, dx];
    }

    private unsafe void Mean<T>(IReadOnlyList<Tensor> inputs, Tensor y, Tensor divisor)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrGatedMean.Forward(
            matrix.Forward, (T*)TensorPointer.Of(inputs[0]), (T*)TensorPointer.Of(inputs[1]), (T*)TensorPointer.Of(inputs[2]), y.shape[1],
            (T*)TensorPointer.Of(y), (T*)TensorPointer.Of(divisor), Compute.Options);
        GC.KeepAlive(inputs);
    }

    private unsafe void Gradient<T>(IReadOnlyList<Tensor> saved, Tensor share, Tensor dtarget, Tensor dsource, Tensor dx)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrGatedMean.Backward(
            matrix.Forward, matrix.Transposed, (T*)TensorPointer.Of(saved[0]), (T*)TensorPointer.Of(saved[1]), (T*)TensorPointer.Of(saved[2]), (T*)TensorPointer.Of(saved[3]),
            (T*)TensorPointer.Of(share), dx.shape[1], (T*)TensorPointer.Of(dtarget), (T*)TensorPointer.Of(dsource), (T*)TensorPointer.Of(dx), Compute.Options);
        GC.KeepAlive(saved);
        GC.KeepAlive(share);
    }
}
