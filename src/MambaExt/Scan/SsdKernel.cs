using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a Mamba-2 scan on tensors, in the order of <see cref="SsdArguments.Names"/>. Nothing here is recorded by autograd.</summary>
internal static unsafe class SsdKernel
{
    /// <summary>Allocates the outputs and scans.</summary>
    /// <returns>out, the last state if wanted, and the checkpoints if the scan will be differentiated.</returns>
    public static (Tensor Out, Tensor? LastState, Tensor? Checkpoints) Forward(
        IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape, bool lastState, bool checkpoints, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        Device device = t[0]!.device;
        ScalarType type = t[0]!.dtype, wide = ComputeTarget.Wide(type);
        Tensor result = empty([shape.Batch, shape.Length, shape.Heads, shape.HeadWidth], type, device);
        Tensor? last = lastState ? empty([shape.Batch, shape.Heads, shape.HeadWidth, shape.States], wide, device) : null;
        Tensor? kept = type switch
        {
            ScalarType.Float32 => Run(target.Single),
            ScalarType.Float64 => Run(target.Double),
            ScalarType.BFloat16 => Run(target.BFloat16),
            _ => Run(target.Half),
        };
        return (result, last, kept);

        Tensor? Run<T>(DeviceKernels<T> kernels)
            where T : unmanaged
        {
            Tensor? saved = checkpoints ? empty([kernels.CheckpointElements(shape)], wide, device) : null;
            using Tensor workspace = target.Workspace(kernels.ForwardWorkspaceBytes(shape, checkpoints));
            var outputs = new StateSpaceDualityOutputs<T>
            {
                Out = TensorPointer.Of<T>(result), OutStride = shape.Channels, LastState = TensorPointer.Of<T>(last), Checkpoints = TensorPointer.Of<T>(saved),
            };
            kernels.Forward(shape, Inputs<T>(t), outputs, TensorPointer.Of(workspace));
            TensorPointer.KeepAlive(t);
            return saved;
        }
    }

    /// <summary>Gradients in the order of the inputs; null where <paramref name="forms"/> says so. No gradient of the output counts as zero.</summary>
    public static List<Tensor?> Backward(
        IReadOnlyList<Tensor?> t, StateSpaceDualityShape shape, Tensor checkpoints, Tensor? gradOut, Tensor? gradLast, TensorForm?[] forms, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> g = forms.Select(form => form?.Empty()).ToList();
        using Tensor dout = gradOut?.contiguous() ?? zeros([shape.Batch, shape.Length, shape.Heads, shape.HeadWidth], t[0]!.dtype, t[0]!.device);
        using Tensor? dlast = gradLast?.contiguous();
        switch (t[0]!.dtype)
        {
            case ScalarType.Float32: Run(target.Single); break;
            case ScalarType.Float64: Run(target.Double); break;
            case ScalarType.BFloat16: Run(target.BFloat16); break;
            default: Run(target.Half); break;
        }

        return g;

        void Run<T>(DeviceKernels<T> kernels)
            where T : unmanaged
        {
            long group = (long)shape.Groups * shape.States;
            using Tensor workspace = target.Workspace(kernels.BackwardWorkspaceBytes(shape));
            var gradients = new StateSpaceDualityGradients<T>
            {
                Out = TensorPointer.Of<T>(dout), OutStride = shape.Channels, LastState = TensorPointer.Of<T>(dlast),
                X = TensorPointer.Of<T>(g[0]), XStride = shape.Channels, Dt = TensorPointer.Of<T>(g[1]), DtStride = shape.Heads, A = TensorPointer.Of<T>(g[2]),
                B = TensorPointer.Of<T>(g[3]), BStride = group, C = TensorPointer.Of<T>(g[4]), CStride = group, D = TensorPointer.Of<T>(g[5]),
                Z = TensorPointer.Of<T>(g[6]), ZStride = shape.Channels, DtBias = TensorPointer.Of<T>(g[7]), InitialState = TensorPointer.Of<T>(g[8]),
            };
            kernels.Backward(shape, Inputs<T>(t), TensorPointer.Of(checkpoints), gradients, TensorPointer.Of(workspace));
            TensorPointer.KeepAlive(t);
            GC.KeepAlive(checkpoints);
        }
    }

    private static StateSpaceDualityInputs<T> Inputs<T>(IReadOnlyList<Tensor?> t)
        where T : unmanaged => new()
        {
            X = TensorPointer.Of<T>(t[0]),
            XStride = Rows.Stride(t[0]!)!.Value,
            Dt = TensorPointer.Of<T>(t[1]),
            DtStride = Rows.Stride(t[1]!)!.Value,
            A = TensorPointer.Of<T>(t[2]),
            B = TensorPointer.Of<T>(t[3]),
            BStride = Rows.Stride(t[3]!)!.Value,
            C = TensorPointer.Of<T>(t[4]),
            CStride = Rows.Stride(t[4]!)!.Value,
            D = TensorPointer.Of<T>(t[5]),
            Z = TensorPointer.Of<T>(t[6]),
            ZStride = t[6] is null ? 0 : Rows.Stride(t[6]!)!.Value,
            DtBias = TensorPointer.Of<T>(t[7]),
            InitialState = TensorPointer.Of<T>(t[8]),
            SequenceIndex = TensorPointer.Of<int>(t[9]),
        };
}
