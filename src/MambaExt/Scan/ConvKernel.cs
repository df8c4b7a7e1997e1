using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a causal convolution on tensors: x, weight, bias, initial states, sequence index. Nothing here is
/// recorded by autograd.</summary>
internal static unsafe class ConvKernel
{
    public static (Tensor Out, Tensor? FinalStates) Forward(IReadOnlyList<Tensor?> t, CausalConv1dShape shape, bool finalStates, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        Tensor x = t[0]!;
        Tensor result = empty([shape.Batch, shape.Length, shape.Channels], x.dtype, x.device);
        Tensor? final = finalStates ? empty([shape.Batch, shape.Width - 1, shape.Channels], ComputeTarget.Wide(x.dtype), x.device) : null;
        switch (x.dtype)
        {
            case ScalarType.Float32: Run(target.Single); break;
            case ScalarType.Float64: Run(target.Double); break;
            case ScalarType.BFloat16: Run(target.BFloat16); break;
            default: Run(target.Half); break;
        }

        return (result, final);

        void Run<T>(DeviceKernels<T> kernels)
            where T : unmanaged
        {
            kernels.Forward(shape, Inputs<T>(t), new CausalConv1dOutputs<T> { Out = TensorPointer.Of<T>(result), FinalStates = TensorPointer.Of<T>(final) });
            TensorPointer.KeepAlive(t);
        }
    }

    public static List<Tensor?> Backward(
        IReadOnlyList<Tensor?> t, CausalConv1dShape shape, Tensor? gradOut, Tensor? gradFinal, TensorForm?[] forms, ComputeTarget target)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> g = forms.Select(form => form?.Empty()).ToList();
        using Tensor dout = gradOut?.contiguous() ?? zeros([shape.Batch, shape.Length, shape.Channels], t[0]!.dtype, t[0]!.device);
        using Tensor? dfinal = gradFinal?.contiguous();
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
            using Tensor workspace = target.Workspace(kernels.BackwardWorkspaceBytes(shape));
            var arriving = new CausalConv1dOutputGradients<T> { DOut = TensorPointer.Of<T>(dout), DFinalStates = TensorPointer.Of<T>(dfinal) };
            var written = new CausalConv1dInputGradients<T>
            {
                DX = TensorPointer.Of<T>(g[0]), DWeight = TensorPointer.Of<T>(g[1]), DBias = TensorPointer.Of<T>(g[2]), DInitialStates = TensorPointer.Of<T>(g[3]),
            };
            kernels.Backward(shape, Inputs<T>(t), arriving, written, TensorPointer.Of(workspace));
            TensorPointer.KeepAlive(t);
        }
    }

    private static CausalConv1dInputs<T> Inputs<T>(IReadOnlyList<Tensor?> t)
        where T : unmanaged => new()
        {
            X = TensorPointer.Of<T>(t[0]),
            XRowStride = Rows.Stride(t[0]!)!.Value,
            Weight = TensorPointer.Of<T>(t[1]),
            Bias = TensorPointer.Of<T>(t[2]),
            InitialStates = TensorPointer.Of<T>(t[3]),
            SeqIdx = TensorPointer.Of<int>(t[4]),
        };
}
