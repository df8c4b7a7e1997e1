using System.Numerics;
using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;
using Kernel = MambaExt.Kernels.CausalConv1d;

namespace MambaExt.Scan;

/// <summary>Calls the kernels of a causal convolution on tensors: x, weight, bias, initial states, sequence index. Nothing here is
/// recorded by autograd.</summary>
internal static unsafe class ConvKernel
{
    public static (Tensor Out, Tensor? FinalStates) Forward(IReadOnlyList<Tensor?> t, CausalConv1dShape shape, bool finalStates, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        Tensor x = t[0]!;
        Tensor result = empty([shape.Batch, shape.Length, shape.Channels], x.dtype);
        Tensor? final = finalStates ? empty([shape.Batch, shape.Width - 1, shape.Channels], x.dtype) : null;
        if (x.dtype == ScalarType.Float32)
        {
            Run<float>();
        }
        else
        {
            Run<double>();
        }

        return (result, final);

        void Run<T>()
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            Kernel.Forward(shape, Inputs<T>(t), new CausalConv1dOutputs<T> { Out = Pointer<T>(result), FinalStates = Pointer<T>(final) }, options);
            KeepAlive(t);
        }
    }

    public static List<Tensor?> Backward(
        IReadOnlyList<Tensor?> t, CausalConv1dShape shape, Tensor? gradOut, Tensor? gradFinal, TensorForm?[] forms, KernelOptions options)
    {
        using IDisposable _ = no_grad();
        List<Tensor?> g = forms.Select(form => form is null ? null : empty(form.Shape, form.Type)).ToList();
        using Tensor dout = gradOut?.contiguous() ?? zeros([shape.Batch, shape.Length, shape.Channels], t[0]!.dtype);
        using Tensor? dfinal = gradFinal?.contiguous();
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
            var arriving = new CausalConv1dOutputGradients<T> { DOut = Pointer<T>(dout), DFinalStates = Pointer<T>(dfinal) };
            var written = new CausalConv1dInputGradients<T> { DX = Pointer<T>(g[0]), DWeight = Pointer<T>(g[1]), DBias = Pointer<T>(g[2]), DInitialStates = Pointer<T>(g[3]) };
            Kernel.Backward(shape, Inputs<T>(t), arriving, written, options);
            KeepAlive(t);
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

    private static CausalConv1dInputs<T> Inputs<T>(IReadOnlyList<Tensor?> t)
        where T : unmanaged => new()
        {
            X = Pointer<T>(t[0]),
            XRowStride = Rows.Stride(t[0]!)!.Value,
            Weight = Pointer<T>(t[1]),
            Bias = Pointer<T>(t[2]),
            InitialStates = Pointer<T>(t[3]),
            SeqIdx = (int*)Pointer<int>(t[4]),
        };

    private static T* Pointer<T>(Tensor? tensor)
        where T : unmanaged => tensor is null ? null : (T*)TensorPointer.Of(tensor);
}
