using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using BFloat16 = MambaExt.Kernels.BFloat16;

namespace MambaExt.Sparse;

/// <summary>An operator on the entries of a sparse matrix: the call of a kernel, on either kind of processor.</summary>
internal interface ICsrArcWork
{
    /// <summary>Runs on the CPU.</summary>
    void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>Queues on a GPU.</summary>
    void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged;
}

/// <summary>Chooses the kernel by where tensors lie and what they hold. Nothing here is recorded by autograd.</summary>
internal static class CsrArcWork
{
    public static void Run<TWork>(ComputeTarget target, ScalarType type, in TWork work, params IEnumerable<Tensor?> tensors)
        where TWork : struct, ICsrArcWork
    {
        if (target.Gpu is not { } gpu)
        {
            if (type == ScalarType.Float32)
            {
                work.OnCpu<float>(target.Options);
            }
            else
            {
                work.OnCpu<double>(target.Options);
            }
        }
        else
        {
            nint stream = GpuDevices.CurrentStream(target.Device);
            switch (type)
            {
                case ScalarType.Float32: work.OnGpu<float>(gpu, stream); break;
                case ScalarType.Float64: work.OnGpu<double>(gpu, stream); break;
                case ScalarType.BFloat16: work.OnGpu<BFloat16>(gpu, stream); break;
                default: work.OnGpu<Half>(gpu, stream); break;
            }
        }

        TensorPointer.KeepAlive(tensors);
    }
}

/// <summary>See <see cref="CsrSegments.Spread"/>.</summary>
internal readonly unsafe struct SpreadWork(CsrMatrix matrix, Tensor? target, Tensor? source, Tensor values) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrSegments.Spread(matrix.Forward, TensorPointer.Of<T>(target), TensorPointer.Of<T>(source), values.shape[1], TensorPointer.Of<T>(values), options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged =>
        CudaCsrSegments.Spread(
            gpu, matrix.RowsOn(values.device, transposed: false), TensorPointer.Of<T>(target), TensorPointer.Of<T>(source), values.shape[1], TensorPointer.Of<T>(values), stream);
}

/// <summary>See <see cref="CsrSegments.Sum"/>.</summary>
internal readonly unsafe struct RowSumWork(CsrMatrix matrix, bool transposed, Tensor values, Tensor y, ComputeTarget where) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrSegments.Sum(transposed ? matrix.Transposed : matrix.Forward, TensorPointer.Of<T>(values), y.shape[1], TensorPointer.Of<T>(y), options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged
    {
        CudaCsrRows rows = matrix.RowsOn(y.device, transposed);
        using Tensor workspace = where.Workspace(CudaCsrSegments.SumWorkspaceBytes<T>(rows, y.shape[1]));
        CudaCsrSegments.Sum(gpu, rows, TensorPointer.Of<T>(values), y.shape[1], TensorPointer.Of<T>(y), TensorPointer.Of(workspace), stream);
    }
}

/// <summary>See <see cref="CsrSegments.Softmax"/>.</summary>
internal readonly unsafe struct SoftmaxWork(CsrMatrix matrix, Tensor values, Tensor p, ComputeTarget where) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrSegments.Softmax(matrix.Forward, TensorPointer.Of<T>(values), p.shape[1], TensorPointer.Of<T>(p), options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged
    {
        CudaCsrRows rows = matrix.RowsOn(p.device, transposed: false);
        using Tensor workspace = where.Workspace(CudaCsrSegments.SoftmaxWorkspaceBytes<T>(rows, p.shape[1]));
        CudaCsrSegments.Softmax(gpu, rows, TensorPointer.Of<T>(values), p.shape[1], TensorPointer.Of<T>(p), TensorPointer.Of(workspace), stream);
    }
}

/// <summary>See <see cref="CsrSegments.SoftmaxGradient"/>.</summary>
internal readonly unsafe struct SoftmaxGradientWork(CsrMatrix matrix, Tensor p, Tensor dp, Tensor dvalues, ComputeTarget where) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrSegments.SoftmaxGradient(matrix.Forward, TensorPointer.Of<T>(p), TensorPointer.Of<T>(dp), p.shape[1], TensorPointer.Of<T>(dvalues), options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged
    {
        CudaCsrRows rows = matrix.RowsOn(p.device, transposed: false);
        using Tensor workspace = where.Workspace(CudaCsrSegments.SoftmaxWorkspaceBytes<T>(rows, p.shape[1]));
        CudaCsrSegments.SoftmaxGradient(
            gpu, rows, TensorPointer.Of<T>(p), TensorPointer.Of<T>(dp), p.shape[1], TensorPointer.Of<T>(dvalues), TensorPointer.Of(workspace), stream);
    }
}

/// <summary>See <see cref="CsrGatedMean.Forward"/>.</summary>
internal readonly unsafe struct GatedMeanWork(CsrMatrix matrix, Tensor target, Tensor source, Tensor x, Tensor y, Tensor divisor, ComputeTarget where) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrGatedMean.Forward(
            matrix.Forward, TensorPointer.Of<T>(target), TensorPointer.Of<T>(source), TensorPointer.Of<T>(x), y.shape[1], TensorPointer.Of<T>(y), TensorPointer.Of<T>(divisor),
            options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged
    {
        CudaCsrRows rows = matrix.RowsOn(y.device, transposed: false);
        using Tensor workspace = where.Workspace(CudaCsrGatedMean.WorkspaceBytes<T>(rows, y.shape[1]));
        CudaCsrGatedMean.Forward(
            gpu, rows, TensorPointer.Of<T>(target), TensorPointer.Of<T>(source), TensorPointer.Of<T>(x), y.shape[1], TensorPointer.Of<T>(y), TensorPointer.Of<T>(divisor),
            TensorPointer.Of(workspace), stream);
    }
}

/// <summary>See <see cref="CsrGatedMean.Backward"/>. Saved are target, source, x and y.</summary>
internal readonly unsafe struct GatedMeanGradientWork(
    CsrMatrix matrix, IReadOnlyList<Tensor> saved, Tensor share, Tensor dtarget, Tensor dsource, Tensor dx, ComputeTarget where) : ICsrArcWork
{
    public void OnCpu<T>(KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        CsrGatedMean.Backward(
            matrix.Forward, matrix.Transposed, TensorPointer.Of<T>(saved[0]), TensorPointer.Of<T>(saved[1]), TensorPointer.Of<T>(saved[2]), TensorPointer.Of<T>(saved[3]),
            TensorPointer.Of<T>(share), dx.shape[1], TensorPointer.Of<T>(dtarget), TensorPointer.Of<T>(dsource), TensorPointer.Of<T>(dx), options);

    public void OnGpu<T>(GpuDevice gpu, nint stream)
        where T : unmanaged
    {
        CudaCsrRows rows = matrix.RowsOn(dx.device, transposed: false), back = matrix.RowsOn(dx.device, transposed: true);
        using Tensor workspace = where.Workspace(CudaCsrGatedMean.WorkspaceBytes<T>(rows, dx.shape[1]));
        CudaCsrGatedMean.Backward(
            gpu, rows, back, TensorPointer.Of<T>(saved[0]), TensorPointer.Of<T>(saved[1]), TensorPointer.Of<T>(saved[2]), TensorPointer.Of<T>(saved[3]),
            TensorPointer.Of<T>(share), dx.shape[1], TensorPointer.Of<T>(dtarget), TensorPointer.Of<T>(dsource), TensorPointer.Of<T>(dx), TensorPointer.Of(workspace), stream);
    }
}
