using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using Kernel = MambaExt.Kernels.SelectiveScan;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a selective scan on tensors. Nothing here is recorded by autograd.</summary>
internal static unsafe class ScanKernel
{
    /// <summary>Allocates the outputs and scans.</summary>
    /// <returns>out, the last state if wanted, and the checkpoints if the scan will be differentiated.</returns>
    public static (Tensor Out, Tensor? LastState, Tensor? Checkpoints) Forward(ScanTensors t, SelectiveScanShape shape, bool lastState, bool checkpoints, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        ScalarType type = t.U.dtype;
        long[] size = shape.ReturnStates ? [shape.Batch, shape.Length, shape.Channels, shape.States] : [shape.Batch, shape.Length, shape.Channels];
        Tensor result = empty(size, type, t.U.device);
        Tensor? last = lastState ? empty([shape.Batch, shape.Channels, shape.States], type, t.U.device) : null;
        Tensor? kept = null;
        if (checkpoints)
        {
            long elements = type == ScalarType.Float32 ? Kernel.CheckpointElements<float>(shape, options) : Kernel.CheckpointElements<double>(shape, options);
            kept = empty([elements], type, t.U.device);
        }

        if (type == ScalarType.Float32)
        {
            Forward<float>(t, shape, result, last, kept, options);
        }
        else
        {
            Forward<double>(t, shape, result, last, kept, options);
        }

        return (result, last, kept);
    }

    /// <summary>Gradients in the order of <see cref="ScanTensors"/>; null where <paramref name="forms"/> says so. No gradient of the
    /// output counts as zero.</summary>
    public static List<Tensor?> Backward(
        ScanTensors t, SelectiveScanShape shape, Tensor checkpoints, Tensor? gradOut, Tensor? gradLast, TensorForm?[] forms, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> gradients = forms.Select(form => form is null ? null : empty(form.Shape, form.Type, form.Device)).ToList();
        long[] size = shape.ReturnStates ? [shape.Batch, shape.Length, shape.Channels, shape.States] : [shape.Batch, shape.Length, shape.Channels];
        using Tensor dout = gradOut?.contiguous() ?? zeros(size, t.U.dtype, t.U.device);
        using Tensor? dlast = gradLast?.contiguous();
        if (t.U.dtype == ScalarType.Float32)
        {
            Backward<float>(t, shape, checkpoints, dout, dlast, gradients, options);
        }
        else
        {
            Backward<double>(t, shape, checkpoints, dout, dlast, gradients, options);
        }

        return gradients;
    }

    private static void Forward<T>(ScanTensors t, SelectiveScanShape shape, Tensor result, Tensor? last, Tensor? checkpoints, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var outputs = new SelectiveScanOutputs<T>
        {
            Out = Pointer<T>(result),
            OutStride = (long)shape.Channels * (shape.ReturnStates ? shape.States : 1),
            LastState = Pointer<T>(last),
            Checkpoints = Pointer<T>(checkpoints),
        };
        Kernel.Forward(shape, Inputs<T>(t), outputs, options);
        KeepAlive(t);
    }

    private static void Backward<T>(ScanTensors t, SelectiveScanShape shape, Tensor checkpoints, Tensor dout, Tensor? dlast, List<Tensor?> g, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        long group = (long)shape.Groups * shape.States;
        var gradients = new SelectiveScanGradients<T>
        {
            Out = Pointer<T>(dout),
            OutStride = (long)shape.Channels * (shape.ReturnStates ? shape.States : 1),
            LastState = Pointer<T>(dlast),
            U = Pointer<T>(g[0]),
            UStride = shape.Channels,
            Delta = Pointer<T>(g[1]),
            DeltaStride = shape.Channels,
            A = Pointer<T>(g[2]),
            B = Pointer<T>(g[3]),
            BStride = group,
            C = Pointer<T>(g[4]),
            CStride = group,
            D = Pointer<T>(g[5]),
            Z = Pointer<T>(g[6]),
            ZStride = shape.Channels,
            DeltaBias = Pointer<T>(g[7]),
            InitialState = Pointer<T>(g[8]),
        };
        Kernel.Backward(shape, Inputs<T>(t), Pointer<T>(checkpoints), gradients, options);
        KeepAlive(t);
        GC.KeepAlive(checkpoints);
    }

    /// <summary>The kernel knows addresses only: without this a finalizer may free a tensor that nobody will use again while it runs.</summary>
    private static void KeepAlive(ScanTensors t)
    {
        foreach (Tensor? tensor in t.All)
        {
            GC.KeepAlive(tensor);
        }
    }

    private static SelectiveScanInputs<T> Inputs<T>(ScanTensors t)
        where T : unmanaged => new()
        {
            U = Pointer<T>(t.U),
            UStride = Rows.Stride(t.U)!.Value,
            Delta = Pointer<T>(t.Delta),
            DeltaStride = Rows.Stride(t.Delta)!.Value,
            A = Pointer<T>(t.A),
            B = Pointer<T>(t.B),
            BStride = RowStride(t.B),
            C = Pointer<T>(t.C),
            CStride = RowStride(t.C),
            D = Pointer<T>(t.D),
            Z = Pointer<T>(t.Z),
            ZStride = t.Z is null ? 0 : Rows.Stride(t.Z)!.Value,
            DeltaBias = Pointer<T>(t.DeltaBias),
            InitialState = Pointer<T>(t.InitialState),
            SequenceIndex = (int*)Pointer<int>(t.SequenceIndex),
        };

    /// <summary>0 for a constant [D, N].</summary>
    private static long RowStride(Tensor? parameter) => parameter is null || parameter.dim() == 2 ? 0 : Rows.Stride(parameter)!.Value;

    private static T* Pointer<T>(Tensor? tensor)
        where T : unmanaged => tensor is null ? null : (T*)TensorPointer.Of(tensor);
}
