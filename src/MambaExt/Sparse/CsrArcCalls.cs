using MambaExt.Kernels;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>From vertices to arcs: target[v] + source[j], [E, C]. The gradients are sums over the arcs of v and over those that point at j.</summary>
internal sealed class ArcSumCall(CsrMatrix matrix, bool hasTarget, bool hasSource, ComputeTarget where) : KernelCall("A sum on arcs")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor values = empty([matrix.EntryCount, inputs[0].shape[1]], inputs[0].dtype, inputs[0].device);
        Tensor? target = hasTarget ? inputs[0] : null, source = hasSource ? inputs[^1] : null;
        CsrArcWork.Run(where, values.dtype, new SpreadWork(matrix, target, source, values), target, source);
        return values;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor? dtarget = hasTarget && Forms[0] is not null ? RowSumCall.Sum(matrix, false, dy, where) : null;
        Tensor? dsource = hasSource && Forms[^1] is not null ? RowSumCall.Sum(matrix, true, dy, where) : null;
        return hasTarget && hasSource ? [dtarget, dsource] : hasTarget ? [dtarget] : [dsource];
    }
}

/// <summary>Sums over the arcs of each row, [E, C] to [R, C].</summary>
internal sealed class RowSumCall(CsrMatrix matrix, ComputeTarget where) : KernelCall("A sum over the arcs of rows")
{
    public static Tensor Sum(CsrMatrix matrix, bool transposed, Tensor values, ComputeTarget where)
    {
        Tensor y = empty([transposed ? matrix.Columns : matrix.Rows, values.shape[1]], values.dtype, values.device);
        CsrArcWork.Run(where, y.dtype, new RowSumWork(matrix, transposed, values, y, where), values);
        return y;
    }

    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save) => Sum(matrix, false, inputs[0], where);

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy) => [new ArcSumCall(matrix, true, false, where).Forward([dy], [])];
}

/// <summary>Softmax over the arcs of each row, channel by channel.</summary>
internal sealed class RowSoftmaxCall(CsrMatrix matrix, ComputeTarget where) : KernelCall("Softmax over the arcs of rows")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor p = empty_like(inputs[0]);
        CsrArcWork.Run(where, p.dtype, new SoftmaxWork(matrix, inputs[0], p, where), inputs);
        save.Add(p.alias());
        return p;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor gradient = empty_like(dy);
        CsrArcWork.Run(where, dy.dtype, new SoftmaxGradientWork(matrix, saved[0], dy, gradient, where), saved[0], dy);
        return [gradient];
    }
}

/// <summary>The gated mean of GatedGCN; see <see cref="CsrGatedMean"/>. Inputs: target, source, x.</summary>
internal sealed class GatedMeanCall(CsrMatrix matrix, ComputeTarget where) : KernelCall("A gated mean")
{
    public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
    {
        Tensor y = empty_like(inputs[0]), divisor = empty_like(inputs[0], ComputeTarget.Wide(inputs[0].dtype));
        CsrArcWork.Run(where, y.dtype, new GatedMeanWork(matrix, inputs[0], inputs[1], inputs[2], y, divisor, where), inputs);
        save.AddRange([.. inputs, y.alias(), divisor]);
        return y;
    }

    public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy)
    {
        Tensor share = dy / saved[4], dtarget = empty_like(saved[0]), dsource = empty_like(saved[1]), dx = empty_like(saved[2]);
        CsrArcWork.Run(where, dy.dtype, new GatedMeanGradientWork(matrix, saved, share, dtarget, dsource, dx, where), [.. saved, share]);
        return [dtarget, dsource, dx];
    }
}
