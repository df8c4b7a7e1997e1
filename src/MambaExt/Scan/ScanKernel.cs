using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a selective scan on tensors. Nothing here is recorded by autograd.</summary>
internal static unsafe class ScanKernel
{
    /// <summary>Allocates the outputs and scans.</summary>
    /// <returns>out, the last state if wanted, and the checkpoints if the scan will be differentiated.</returns>
    public static (Tensor Out, Tensor? LastState, Tensor? Checkpoints) Forward(ScanTensors t, SelectiveScanShape shape, bool lastState, bool checkpoints, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        ScalarType type = t.U.dtype, wide = ComputeTarget.Wide(type);
        Tensor result = empty(OutSize(shape), type, t.U.device);
        Tensor? last = lastState ? empty([shape.Batch, shape.Channels, shape.States], wide, t.U.device) : null;
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
            Tensor? saved = checkpoints ? empty([kernels.CheckpointElements(shape)], wide, t.U.device) : null;
            using Tensor workspace = target.Workspace(kernels.ForwardWorkspaceBytes(shape, checkpoints));
            var outputs = new SelectiveScanOutputs<T>
            {
                Out = TensorPointer.Of<T>(result), OutStride = OutStride(shape), LastState = TensorPointer.Of<T>(last), Checkpoints = TensorPointer.Of<T>(saved),
            };
            kernels.Forward(shape, Inputs<T>(t), outputs, TensorPointer.Of(workspace));
            TensorPointer.KeepAlive(t.All);
            return saved;
        }
    }

    /// <summary>Gradients in the order of <see cref="ScanTensors"/>; null where <paramref name="forms"/> says so. No gradient of the
    /// output counts as zero.</summary>
    public static List<Tensor?> Backward(
        ScanTensors t, SelectiveScanShape shape, Tensor checkpoints, Tensor? gradOut, Tensor? gradLast, TensorForm?[] forms, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> g = forms.Select(form => form?.Empty()).ToList();
        using Tensor dout = gradOut?.contiguous() ?? zeros(OutSize(shape), t.U.dtype, t.U.device);
        using Tensor? dlast = gradLast?.contiguous();
        switch (t.U.dtype)
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
            var gradients = new SelectiveScanGradients<T>
            {
                Out = TensorPointer.Of<T>(dout), OutStride = OutStride(shape), LastState = TensorPointer.Of<T>(dlast),
                U = TensorPointer.Of<T>(g[0]), UStride = shape.Channels, Delta = TensorPointer.Of<T>(g[1]), DeltaStride = shape.Channels,
                A = TensorPointer.Of<T>(g[2]), B = TensorPointer.Of<T>(g[3]), BStride = group, C = TensorPointer.Of<T>(g[4]), CStride = group,
                D = TensorPointer.Of<T>(g[5]), Z = TensorPointer.Of<T>(g[6]), ZStride = shape.Channels,
                DeltaBias = TensorPointer.Of<T>(g[7]), InitialState = TensorPointer.Of<T>(g[8]),
            };
            kernels.Backward(shape, Inputs<T>(t), TensorPointer.Of(checkpoints), gradients, TensorPointer.Of(workspace));
            TensorPointer.KeepAlive(t.All);
            GC.KeepAlive(checkpoints);
        }
    }

    private static long[] OutSize(SelectiveScanShape shape) =>
        shape.ReturnStates ? [shape.Batch, shape.Length, shape.Channels, shape.States] : [shape.Batch, shape.Length, shape.Channels];

    private static long OutStride(SelectiveScanShape shape) => (long)shape.Channels * (shape.ReturnStates ? shape.States : 1);

    private static SelectiveScanInputs<T> Inputs<T>(ScanTensors t)
        where T : unmanaged => new()
        {
            U = TensorPointer.Of<T>(t.U),
            UStride = Rows.Stride(t.U)!.Value,
            Delta = TensorPointer.Of<T>(t.Delta),
            DeltaStride = Rows.Stride(t.Delta)!.Value,
            A = TensorPointer.Of<T>(t.A),
            B = TensorPointer.Of<T>(t.B),
            BStride = RowStride(t.B),
            C = TensorPointer.Of<T>(t.C),
            CStride = RowStride(t.C),
            D = TensorPointer.Of<T>(t.D),
            Z = TensorPointer.Of<T>(t.Z),
            ZStride = t.Z is null ? 0 : Rows.Stride(t.Z)!.Value,
            DeltaBias = TensorPointer.Of<T>(t.DeltaBias),
            InitialState = TensorPointer.Of<T>(t.InitialState),
            SequenceIndex = TensorPointer.Of<int>(t.SequenceIndex),
        };

    /// <summary>0 for a constant [D, N].</summary>
    private static long RowStride(Tensor? parameter) => parameter is null || parameter.dim() == 2 ? 0 : Rows.Stride(parameter)!.Value;
}
