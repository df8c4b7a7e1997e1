using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Kernels.Cuda;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using BFloat16 = MambaExt.Kernels.BFloat16;

namespace MambaExt.Sparse;

/// <summary>Calls the kernels of sparse sums on tensors. Nothing here is recorded by autograd.</summary>
internal static unsafe class CsrKernel
{
    /// <summary>The sum over the rows, or over those of the transpose.</summary>
    public static Tensor Sum(CsrCall call, Tensor x, Tensor? factor)
    {
        Tensor y = empty([call.Transposed ? call.Matrix.Columns : call.Matrix.Rows, x.shape[1]], x.dtype, x.device);
        using Tensor? values = call.Kind == CsrKind.Valued && call.Target.Gpu is not null ? call.Matrix.ValuesOn(x.device, x.dtype) : null;
        Tensor? weights = factor ?? values;
        switch (x.dtype)
        {
            case ScalarType.Float32 when call.Target.Gpu is null: OnCpu<float>(call, x, factor, y); break;
            case ScalarType.Float64 when call.Target.Gpu is null: OnCpu<double>(call, x, factor, y); break;
            case ScalarType.Float32: OnGpu<float>(call, x, weights, y); break;
            case ScalarType.Float64: OnGpu<double>(call, x, weights, y); break;
            case ScalarType.BFloat16: OnGpu<BFloat16>(call, x, weights, y); break;
            default: OnGpu<Half>(call, x, weights, y); break;
        }

        TensorPointer.KeepAlive(x, factor);
        return y;
    }

    /// <summary>The gradient of weights or gates.</summary>
    public static Tensor FactorGradient(CsrCall call, Tensor x, Tensor dy, Tensor factor)
    {
        Tensor gradient = empty(factor.shape, factor.dtype, factor.device);

        // Over the transpose the roles of what is gathered and what arrives are exchanged, arc by arc.
        var (gathered, arriving) = call.Transposed ? (dy, x) : (x, dy);
        switch (x.dtype)
        {
            case ScalarType.Float32 when call.Target.Gpu is null: OnCpu<float>(call, gathered, arriving, gradient); break;
            case ScalarType.Float64 when call.Target.Gpu is null: OnCpu<double>(call, gathered, arriving, gradient); break;
            case ScalarType.Float32: FactorsOnGpu<float>(call, gathered, arriving, gradient); break;
            case ScalarType.Float64: FactorsOnGpu<double>(call, gathered, arriving, gradient); break;
            case ScalarType.BFloat16: FactorsOnGpu<BFloat16>(call, gathered, arriving, gradient); break;
            default: FactorsOnGpu<Half>(call, gathered, arriving, gradient); break;
        }

        TensorPointer.KeepAlive(x, dy);
        return gradient;

        static void OnCpu<T>(CsrCall call, Tensor gathered, Tensor arriving, Tensor gradient)
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            T* x = TensorPointer.Of<T>(gathered), dy = TensorPointer.Of<T>(arriving), target = TensorPointer.Of<T>(gradient);
            if (call.Kind == CsrKind.Weighted)
            {
                CsrSum.WeightGradient(call.Matrix.Forward, x, dy, gathered.shape[1], target, call.Target.Options, CsrFunction.Heads(gradient));
            }
            else
            {
                CsrSum.GateGradient(call.Matrix.Forward, x, dy, gathered.shape[1], target, call.Target.Options);
            }
        }
    }

    private static void OnCpu<T>(CsrCall call, Tensor x, Tensor? factor, Tensor y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CsrRows rows = call.Transposed ? call.Matrix.Transposed : call.Matrix.Forward;
        T* from = TensorPointer.Of<T>(x), to = TensorPointer.Of<T>(y), weights = call.Kind == CsrKind.Valued ? call.Matrix.Values<T>() : TensorPointer.Of<T>(factor);
        switch (call.Kind)
        {
            case CsrKind.Plain: CsrSum.Plain(rows, from, x.shape[1], to, call.Target.Options); break;
            case CsrKind.Gated: CsrSum.Gated(rows, from, x.shape[1], weights, to, call.Target.Options); break;
            default: CsrSum.Weighted(rows, from, x.shape[1], weights, to, call.Target.Options, CsrFunction.Heads(factor)); break;
        }
    }

    private static void OnGpu<T>(CsrCall call, Tensor x, Tensor? weights, Tensor y)
        where T : unmanaged
    {
        CudaCsrRows rows = call.Matrix.RowsOn(x.device, call.Transposed);
        GpuDevice gpu = call.Target.Gpu!;
        nint stream = GpuDevices.CurrentStream(x.device);
        long channels = x.shape[1];
        using Tensor workspace = call.Target.Workspace(CudaCsrSum.WorkspaceBytes<T>(rows, channels));
        T* from = TensorPointer.Of<T>(x), to = TensorPointer.Of<T>(y), factors = TensorPointer.Of<T>(weights);
        nint scratch = TensorPointer.Of(workspace);
        switch (call.Kind)
        {
            case CsrKind.Plain: CudaCsrSum.Plain(gpu, rows, from, channels, to, scratch, stream); break;
            case CsrKind.Gated: CudaCsrSum.Gated(gpu, rows, from, channels, factors, to, scratch, stream); break;
            default: CudaCsrSum.Weighted(gpu, rows, from, channels, factors, to, scratch, stream, CsrFunction.Heads(weights)); break;
        }
    }

    private static void FactorsOnGpu<T>(CsrCall call, Tensor gathered, Tensor arriving, Tensor gradient)
        where T : unmanaged
    {
        CudaCsrRows rows = call.Matrix.RowsOn(gathered.device, transposed: false);
        nint stream = GpuDevices.CurrentStream(gathered.device);
        T* x = TensorPointer.Of<T>(gathered), dy = TensorPointer.Of<T>(arriving), target = TensorPointer.Of<T>(gradient);
        if (call.Kind == CsrKind.Weighted)
        {
            CudaCsrSum.WeightGradient(call.Target.Gpu!, rows, x, dy, gathered.shape[1], target, stream, CsrFunction.Heads(gradient));
        }
        else
        {
            CudaCsrSum.GateGradient(call.Target.Gpu!, rows, x, dy, gathered.shape[1], target, stream);
        }
    }
}
