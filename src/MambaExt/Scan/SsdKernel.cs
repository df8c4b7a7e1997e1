using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using Kernel = MambaExt.Kernels.StateSpaceDuality;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a Mamba-2 scan on tensors, in the order of <see cref="SsdArguments.Names"/>. Nothing here is recorded by autograd.</summary>
internal static unsafe class SsdKernel
{
    /// <summary>Allocates the outputs and scans.</summary>
    /// <returns>out, the last state if wanted, and the checkpoints if the scan will be differentiated.</returns>
    public static (Tensor Out, Tensor? LastState, Tensor? Checkpoints) Forward(
        IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape, bool lastState, bool checkpoints, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        ScalarType type = t[0]!.dtype;
        Tensor result = empty([shape.Batch, shape.Length, shape.Heads, shape.HeadWidth], type);
        Tensor? last = lastState ? empty([shape.Batch, shape.Heads, shape.HeadWidth, shape.States], type) : null;
        Tensor? kept = checkpoints ? empty([Kernel.CheckpointElements<float>(shape)], type) : null;
        if (type == ScalarType.Float32)
        {
            Run<float>();
        }
        else
        {
            Run<double>();
        }

        return (result, last, kept);

        void Run<T>()
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            var outputs = new StateSpaceDualityOutputs<T> { Out = Pointer<T>(result), OutStride = shape.Channels, LastState = Pointer<T>(last), Checkpoints = Pointer<T>(kept) };
            Kernel.Forward(shape, Inputs<T>(t), outputs, options);
            KeepAlive(t);
        }
    }

    /// <summary>Gradients in the order of the inputs; null where <paramref name="forms"/> says so. No gradient of the output counts as zero.</summary>
    public static List<Tensor?> Backward(
        IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape, Tensor checkpoints, Tensor? gradOut, Tensor? gradLast, TensorForm?[] forms, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> g = forms.Select(form => form is null ? null : empty(form.Shape, form.Type, form.Device)).ToList();
        using Tensor dout = gradOut?.contiguous() ?? zeros_like(t[0]!).contiguous();
        using Tensor? dlast = gradLast?.contiguous();
        if (t[0]!.dtype == ScalarType.Float32)
        {
            Run<float>();
        }
        else
        {
            Run<double>();
        }

        return g;

        void Run<T>()
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            long group = (long)shape.Groups * shape.States;
            var gradients = new StateSpaceDualityGradients<T>
            {
                Out = Pointer<T>(dout), OutStride = shape.Channels, LastState = Pointer<T>(dlast),
                X = Pointer<T>(g[0]), XStride = shape.Channels, Dt = Pointer<T>(g[1]), DtStride = shape.Heads, A = Pointer<T>(g[2]),
                B = Pointer<T>(g[3]), BStride = group, C = Pointer<T>(g[4]), CStride = group, D = Pointer<T>(g[5]),
                Z = Pointer<T>(g[6]), ZStride = shape.Channels, DtBias = Pointer<T>(g[7]), InitialState = Pointer<T>(g[8]),
            };
            Kernel.Backward(shape, Inputs<T>(t), Pointer<T>(checkpoints), gradients, options);
            KeepAlive(t);
            GC.KeepAlive(checkpoints);
        }
    }

    /// <summary>The kernel knows addresses only: without this a finalizer may free a tensor that nobody will use again while it runs.</summary>
    private static void KeepAlive(IReadOnlyList<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
        {
            GC.KeepAlive(tensor);
        }
    }

    private static StateSpaceDualityInputs<T> Inputs<T>(IReadOnlyList<Tensor?> t)
        where T : unmanaged => new()
        {
            X = Pointer<T>(t[0]),
            XStride = Rows.Stride(t[0]!)!.Value,
            Dt = Pointer<T>(t[1]),
            DtStride = Rows.Stride(t[1]!)!.Value,
            A = Pointer<T>(t[2]),
            B = Pointer<T>(t[3]),
            BStride = Rows.Stride(t[3]!)!.Value,
            C = Pointer<T>(t[4]),
            CStride = Rows.Stride(t[4]!)!.Value,
            D = Pointer<T>(t[5]),
            Z = Pointer<T>(t[6]),
            ZStride = t[6] is null ? 0 : Rows.Stride(t[6]!)!.Value,
            DtBias = Pointer<T>(t[7]),
            InitialState = Pointer<T>(t[8]),
            SequenceIndex = (int*)Pointer<int>(t[9]),
        };

    private static T* Pointer<T>(Tensor? tensor)
        where T : unmanaged => tensor is null ? null : (T*)TensorPointer.Of(tensor);
}
